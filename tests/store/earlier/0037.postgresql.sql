CREATE FUNCTION public.audit_log_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log is only appended to'; END $$;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.approvals (
    id bigint NOT NULL,
    slug text NOT NULL,
    digest text NOT NULL,
    step text NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    account_id bigint,
    via text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.approvals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.approvals_id_seq OWNED BY public.approvals.id;
CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    action text NOT NULL,
    address_hash bytea,
    detail text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    account_id bigint,
    via text DEFAULT ''::text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    before text DEFAULT ''::text NOT NULL,
    after text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_log_id_seq OWNED BY public.audit_log.id;
CREATE TABLE public.automation_entries (
    id bigint NOT NULL,
    automation_id bigint NOT NULL,
    version_id bigint NOT NULL,
    person_id bigint,
    number integer NOT NULL,
    step text NOT NULL,
    due_at bigint,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    entered_at bigint NOT NULL,
    changed_at bigint NOT NULL
);
CREATE SEQUENCE public.automation_entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.automation_entries_id_seq OWNED BY public.automation_entries.id;
CREATE TABLE public.automation_marks (
    automation_id bigint NOT NULL,
    feed text NOT NULL,
    up_to bigint NOT NULL,
    at bigint
);
CREATE TABLE public.automation_sends (
    campaign_id bigint NOT NULL,
    version_id bigint NOT NULL,
    step text NOT NULL
);
CREATE TABLE public.automation_versions (
    id bigint NOT NULL,
    automation_id bigint NOT NULL,
    number integer NOT NULL,
    definition json NOT NULL,
    digest text NOT NULL,
    list_id bigint NOT NULL,
    created_at bigint NOT NULL,
    retired_at bigint
);
CREATE SEQUENCE public.automation_versions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.automation_versions_id_seq OWNED BY public.automation_versions.id;
CREATE TABLE public.automations (
    id bigint NOT NULL,
    slug text NOT NULL,
    state text NOT NULL,
    version_id bigint,
    started_at bigint NOT NULL,
    due_at bigint,
    looked_at bigint
);
CREATE SEQUENCE public.automations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.automations_id_seq OWNED BY public.automations.id;
CREATE TABLE public.campaign_lookups (
    campaign_id bigint NOT NULL,
    table_id bigint NOT NULL
);
CREATE TABLE public.campaign_tests (
    campaign_id bigint NOT NULL,
    seed bigint NOT NULL,
    plan json NOT NULL,
    decide_at bigint NOT NULL,
    state text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    winner text DEFAULT ''::text NOT NULL,
    decided_at bigint,
    decision json
);
CREATE TABLE public.campaigns (
    id bigint NOT NULL,
    slug text NOT NULL,
    state text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    message json NOT NULL,
    digest text NOT NULL,
    audience json NOT NULL,
    counts json DEFAULT '{}'::json NOT NULL,
    transport text DEFAULT ''::text NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint,
    zone text DEFAULT ''::text NOT NULL,
    late_seconds integer DEFAULT 7200 NOT NULL,
    launched_at bigint,
    finished_at bigint,
    is_public boolean DEFAULT false NOT NULL,
    is_urgent boolean DEFAULT false NOT NULL,
    content_digest text DEFAULT ''::text NOT NULL,
    kind text DEFAULT ''::text NOT NULL,
    parent text DEFAULT ''::text NOT NULL,
    stage integer DEFAULT 0 NOT NULL,
    local_at text DEFAULT ''::text NOT NULL,
    past text DEFAULT ''::text NOT NULL,
    spread_seconds integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.cohorts (
    campaign_id bigint NOT NULL,
    n integer NOT NULL,
    people integer NOT NULL,
    sample integer NOT NULL,
    state text NOT NULL,
    decide_at bigint,
    decided_at bigint,
    why text DEFAULT ''::text NOT NULL,
    counts json DEFAULT '{}'::json NOT NULL
);
CREATE TABLE public.comments (
    id bigint NOT NULL,
    slug text NOT NULL,
    thread_id bigint,
    file text DEFAULT ''::text NOT NULL,
    line integer DEFAULT 0 NOT NULL,
    quote text DEFAULT ''::text NOT NULL,
    text text NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    account_id bigint,
    resolved_at bigint,
    resolved_by text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.comments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.comments_id_seq OWNED BY public.comments.id;
CREATE TABLE public.consent_sources (
    id bigint NOT NULL,
    how text NOT NULL,
    source text NOT NULL,
    wording text NOT NULL
);
CREATE SEQUENCE public.consent_sources_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.consent_sources_id_seq OWNED BY public.consent_sources.id;
CREATE TABLE public.consents (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    list_id bigint NOT NULL,
    status text NOT NULL,
    at bigint NOT NULL,
    source_id bigint NOT NULL,
    given_at bigint
);
CREATE SEQUENCE public.consents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.consents_id_seq OWNED BY public.consents.id;
CREATE TABLE public.conversions (
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    delivery_id bigint,
    n integer,
    name text NOT NULL,
    reference text NOT NULL,
    at bigint NOT NULL,
    source text NOT NULL
);
CREATE SEQUENCE public.conversions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.conversions_id_seq OWNED BY public.conversions.id;
CREATE TABLE public.data_readings (
    newsletter text NOT NULL,
    source text NOT NULL,
    read_at bigint NOT NULL,
    body bytea NOT NULL,
    charset text NOT NULL,
    base text NOT NULL,
    fault text DEFAULT ''::text NOT NULL,
    remedy text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.delivered_petitions (
    page text NOT NULL,
    day text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    signatures integer NOT NULL,
    noted_at bigint NOT NULL
);
CREATE TABLE public.deliveries (
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    person_id bigint,
    state text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    not_before bigint NOT NULL,
    worker_id bigint,
    code text DEFAULT ''::text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    reply_class text DEFAULT ''::text NOT NULL,
    provider_id text DEFAULT ''::text NOT NULL,
    changed_at bigint,
    feedback text DEFAULT ''::text NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    arm text DEFAULT ''::text NOT NULL,
    stage integer DEFAULT 0 NOT NULL,
    entry bigint DEFAULT '0'::bigint NOT NULL,
    not_after bigint
);
CREATE TABLE public.drafts (
    id bigint NOT NULL,
    newsletter text NOT NULL,
    file text NOT NULL,
    by text NOT NULL,
    account_id bigint,
    begun_at bigint NOT NULL,
    at bigint NOT NULL,
    saved_at bigint,
    content bytea NOT NULL
);
CREATE SEQUENCE public.drafts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.drafts_id_seq OWNED BY public.drafts.id;
CREATE TABLE public.events (
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    delivery_id bigint,
    at bigint NOT NULL,
    kind text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    reply_class text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;
CREATE TABLE public.guard_evidence (
    campaign_id bigint NOT NULL,
    since bigint NOT NULL,
    accepted integer DEFAULT 0 NOT NULL,
    refused integer DEFAULT 0 NOT NULL,
    hard integer DEFAULT 0 NOT NULL,
    recent text DEFAULT ''::text NOT NULL,
    troubles integer DEFAULT 0 NOT NULL,
    trouble_at bigint
);
CREATE TABLE public.hits (
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    delivery_id bigint,
    n integer NOT NULL,
    at bigint NOT NULL,
    method text NOT NULL,
    headers json NOT NULL,
    network bytea NOT NULL,
    verdict text NOT NULL,
    reasons text DEFAULT ''::text NOT NULL,
    rules integer NOT NULL
);
CREATE SEQUENCE public.hits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.hits_id_seq OWNED BY public.hits.id;
CREATE TABLE public.images (
    digest text NOT NULL,
    content_type text NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.import_people (
    import_id bigint NOT NULL,
    person_id bigint NOT NULL,
    joined boolean NOT NULL,
    first_name text,
    last_name text,
    country text,
    language text,
    attributes json,
    updated_at bigint,
    timezone text,
    timezone_source text
);
CREATE TABLE public.import_subscriptions (
    import_id bigint NOT NULL,
    list_id bigint NOT NULL,
    person_id bigint NOT NULL,
    status text NOT NULL,
    changed_at bigint NOT NULL
);
CREATE TABLE public.import_suppressions (
    address_hash bytea NOT NULL,
    list_id bigint NOT NULL,
    reason text NOT NULL,
    import_id bigint NOT NULL
);
CREATE TABLE public.imports (
    id bigint NOT NULL,
    list_id bigint NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    files json NOT NULL,
    report json DEFAULT '{}'::json NOT NULL,
    sources json NOT NULL,
    people_after bigint NOT NULL,
    people_until bigint NOT NULL,
    consents_after bigint NOT NULL,
    consents_until bigint NOT NULL,
    undo_until bigint,
    undone_at bigint,
    undone_by text DEFAULT ''::text NOT NULL,
    undone json,
    move_id bigint,
    account json
);
CREATE SEQUENCE public.imports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.imports_id_seq OWNED BY public.imports.id;
CREATE TABLE public.issues (
    id bigint NOT NULL,
    slug text NOT NULL,
    planned_at bigint NOT NULL,
    wake_at bigint NOT NULL,
    state text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    campaign text DEFAULT ''::text NOT NULL,
    standing text DEFAULT ''::text NOT NULL,
    since bigint,
    data json,
    settled_at bigint
);
CREATE SEQUENCE public.issues_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.issues_id_seq OWNED BY public.issues.id;
CREATE TABLE public.jobs (
    id bigint NOT NULL,
    kind text NOT NULL,
    topic text DEFAULT ''::text NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    due_at bigint NOT NULL,
    created_at bigint NOT NULL,
    done_at bigint,
    detail text DEFAULT ''::text NOT NULL,
    asked_by text DEFAULT ''::text NOT NULL,
    progress json,
    cancel boolean DEFAULT false NOT NULL,
    person_id bigint,
    address text DEFAULT ''::text NOT NULL,
    payload bytea NOT NULL
);
CREATE SEQUENCE public.jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.jobs_id_seq OWNED BY public.jobs.id;
CREATE TABLE public.judged_hits (
    campaign_id bigint NOT NULL,
    up_to bigint NOT NULL,
    rules integer NOT NULL
);
CREATE TABLE public.links (
    campaign_id bigint NOT NULL,
    n integer NOT NULL,
    url text NOT NULL,
    label text NOT NULL,
    placement text NOT NULL,
    is_action boolean NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    arm text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.lists (
    id bigint NOT NULL,
    name text NOT NULL
);
CREATE SEQUENCE public.lists_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.lists_id_seq OWNED BY public.lists.id;
CREATE TABLE public.lookup_rows (
    table_id bigint NOT NULL,
    key text NOT NULL,
    cells text NOT NULL
);
CREATE TABLE public.lookup_tables (
    id bigint NOT NULL,
    digest text NOT NULL,
    kind text NOT NULL,
    columns json NOT NULL,
    rows integer NOT NULL,
    whole integer NOT NULL,
    used_at bigint NOT NULL
);
CREATE SEQUENCE public.lookup_tables_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.lookup_tables_id_seq OWNED BY public.lookup_tables.id;
CREATE TABLE public.more_hits (
    campaign_id bigint NOT NULL,
    n integer NOT NULL,
    verdict text NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE public.moves (
    id bigint NOT NULL,
    token text NOT NULL,
    origin text NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    report json
);
CREATE SEQUENCE public.moves_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.moves_id_seq OWNED BY public.moves.id;
CREATE TABLE public.paces (
    transport text NOT NULL,
    domain text NOT NULL,
    next_at bigint NOT NULL
);
CREATE TABLE public.people (
    id bigint NOT NULL,
    address text NOT NULL,
    address_hash bytea NOT NULL,
    first_name text DEFAULT ''::text NOT NULL,
    last_name text DEFAULT ''::text NOT NULL,
    country text DEFAULT ''::text NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    attributes json DEFAULT '{}'::json NOT NULL,
    tracking boolean DEFAULT true NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    frequency text DEFAULT 'every'::text NOT NULL,
    timezone text DEFAULT ''::text NOT NULL,
    timezone_source text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.people_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.people_id_seq OWNED BY public.people.id;
CREATE TABLE public.people_tags (
    person_id bigint NOT NULL,
    tag_id bigint NOT NULL,
    at bigint NOT NULL,
    source text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.planned_times (
    slug text NOT NULL,
    due_at bigint NOT NULL,
    zone text NOT NULL,
    local boolean DEFAULT false NOT NULL,
    past text DEFAULT ''::text NOT NULL,
    spread_seconds integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.proofs (
    id bigint NOT NULL,
    slug text NOT NULL,
    message json NOT NULL,
    person_id bigint,
    at bigint NOT NULL
);
CREATE TABLE public.provider_events (
    id bigint NOT NULL,
    provider text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    delivery_id bigint,
    payload json NOT NULL,
    why text NOT NULL
);
CREATE SEQUENCE public.provider_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.provider_events_id_seq OWNED BY public.provider_events.id;
CREATE TABLE public.rate_limits (
    key bytea NOT NULL,
    next_at bigint NOT NULL
);
CREATE TABLE public.replies (
    id bigint NOT NULL,
    key text NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    campaign_id bigint,
    delivery_id bigint,
    sender text DEFAULT ''::text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    message_id text DEFAULT ''::text NOT NULL,
    words text DEFAULT ''::text NOT NULL,
    attachments json DEFAULT '[]'::json NOT NULL,
    handed_to bigint,
    changed_at bigint NOT NULL
);
CREATE SEQUENCE public.replies_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.replies_id_seq OWNED BY public.replies.id;
CREATE TABLE public.requests (
    id bigint NOT NULL,
    kind text NOT NULL,
    address text NOT NULL,
    person_id bigint,
    fields json DEFAULT '{}'::json NOT NULL,
    lists json DEFAULT '[]'::json NOT NULL,
    source text NOT NULL,
    wording text DEFAULT ''::text NOT NULL,
    asked_at bigint NOT NULL,
    done_at bigint
);
CREATE TABLE public.returned_mails (
    digest text NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    delivery_id bigint,
    why text DEFAULT ''::text NOT NULL,
    sender text DEFAULT ''::text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    decision text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.reviewed_contents (
    digest text NOT NULL,
    content json NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.reviewers (
    address text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    added_at bigint NOT NULL
);
CREATE TABLE public.series (
    slug text NOT NULL,
    state text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    rule json NOT NULL,
    file_digest text DEFAULT ''::text NOT NULL,
    changed_at bigint NOT NULL
);
CREATE TABLE public.signatures (
    id bigint NOT NULL,
    page text NOT NULL,
    person_id bigint,
    statement_id bigint NOT NULL,
    first_name text DEFAULT ''::text NOT NULL,
    last_name text DEFAULT ''::text NOT NULL,
    country text DEFAULT ''::text NOT NULL,
    postcode text DEFAULT ''::text NOT NULL,
    comment text DEFAULT ''::text NOT NULL,
    shown boolean DEFAULT false NOT NULL,
    signed_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    campaign_id bigint,
    delivery_id bigint,
    n integer,
    source text DEFAULT ''::text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    own json DEFAULT '{}'::json NOT NULL,
    comment_state text DEFAULT ''::text NOT NULL,
    thanks text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.signatures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.signatures_id_seq OWNED BY public.signatures.id;
CREATE TABLE public.staff (
    id bigint NOT NULL,
    address text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    role text NOT NULL,
    lists json,
    handle bytea NOT NULL,
    password text DEFAULT ''::text NOT NULL,
    totp bytea,
    totp_step bigint DEFAULT '0'::bigint NOT NULL,
    sso text,
    created_at bigint NOT NULL,
    disabled_at bigint
);
CREATE TABLE public.staff_challenges (
    token_hash bytea NOT NULL,
    data json NOT NULL,
    expires_at bigint NOT NULL
);
CREATE SEQUENCE public.staff_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.staff_id_seq OWNED BY public.staff.id;
CREATE TABLE public.staff_links (
    token_hash bytea NOT NULL,
    account_id bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.staff_passkeys (
    credential_id bytea NOT NULL,
    account_id bigint NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint DEFAULT '0'::bigint NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    created_at bigint NOT NULL,
    used_at bigint
);
CREATE TABLE public.staff_recovery_codes (
    account_id bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.staff_sessions (
    id bigint NOT NULL,
    token_hash bytea NOT NULL,
    account_id bigint NOT NULL,
    opened_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    network text DEFAULT ''::text NOT NULL,
    browser text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.staff_sessions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.staff_sessions_id_seq OWNED BY public.staff_sessions.id;
CREATE TABLE public.statements (
    id bigint NOT NULL,
    page text NOT NULL,
    text text NOT NULL
);
CREATE SEQUENCE public.statements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.statements_id_seq OWNED BY public.statements.id;
CREATE TABLE public.subscriptions (
    list_id bigint NOT NULL,
    person_id bigint NOT NULL,
    status text NOT NULL,
    changed_at bigint NOT NULL
);
CREATE TABLE public.suppressions (
    address_hash bytea NOT NULL,
    list_id bigint NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL,
    source text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.tags (
    id bigint NOT NULL,
    name text NOT NULL,
    key text NOT NULL
);
CREATE SEQUENCE public.tags_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.tags_id_seq OWNED BY public.tags.id;
CREATE TABLE public.translated_texts (
    digest text NOT NULL,
    text text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.unsubscribe_presses (
    id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    at bigint NOT NULL,
    how text NOT NULL,
    agent text DEFAULT ''::text NOT NULL,
    network bytea NOT NULL,
    decided text DEFAULT ''::text NOT NULL
);
CREATE SEQUENCE public.unsubscribe_presses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.unsubscribe_presses_id_seq OWNED BY public.unsubscribe_presses.id;
CREATE TABLE public.versions (
    newsletter text NOT NULL,
    file text NOT NULL,
    digest text NOT NULL,
    at bigint NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.warm_up_days (
    transport text NOT NULL,
    day text NOT NULL,
    people integer NOT NULL
);
CREATE TABLE public.workers (
    id bigint NOT NULL,
    name text NOT NULL,
    lease_until bigint NOT NULL,
    campaign_id bigint
);
ALTER TABLE ONLY public.approvals ALTER COLUMN id SET DEFAULT nextval('public.approvals_id_seq'::regclass);
ALTER TABLE ONLY public.audit_log ALTER COLUMN id SET DEFAULT nextval('public.audit_log_id_seq'::regclass);
ALTER TABLE ONLY public.automation_entries ALTER COLUMN id SET DEFAULT nextval('public.automation_entries_id_seq'::regclass);
ALTER TABLE ONLY public.automation_versions ALTER COLUMN id SET DEFAULT nextval('public.automation_versions_id_seq'::regclass);
ALTER TABLE ONLY public.automations ALTER COLUMN id SET DEFAULT nextval('public.automations_id_seq'::regclass);
ALTER TABLE ONLY public.comments ALTER COLUMN id SET DEFAULT nextval('public.comments_id_seq'::regclass);
ALTER TABLE ONLY public.consent_sources ALTER COLUMN id SET DEFAULT nextval('public.consent_sources_id_seq'::regclass);
ALTER TABLE ONLY public.consents ALTER COLUMN id SET DEFAULT nextval('public.consents_id_seq'::regclass);
ALTER TABLE ONLY public.conversions ALTER COLUMN id SET DEFAULT nextval('public.conversions_id_seq'::regclass);
ALTER TABLE ONLY public.drafts ALTER COLUMN id SET DEFAULT nextval('public.drafts_id_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);
ALTER TABLE ONLY public.hits ALTER COLUMN id SET DEFAULT nextval('public.hits_id_seq'::regclass);
ALTER TABLE ONLY public.imports ALTER COLUMN id SET DEFAULT nextval('public.imports_id_seq'::regclass);
ALTER TABLE ONLY public.issues ALTER COLUMN id SET DEFAULT nextval('public.issues_id_seq'::regclass);
ALTER TABLE ONLY public.jobs ALTER COLUMN id SET DEFAULT nextval('public.jobs_id_seq'::regclass);
ALTER TABLE ONLY public.lists ALTER COLUMN id SET DEFAULT nextval('public.lists_id_seq'::regclass);
ALTER TABLE ONLY public.lookup_tables ALTER COLUMN id SET DEFAULT nextval('public.lookup_tables_id_seq'::regclass);
ALTER TABLE ONLY public.moves ALTER COLUMN id SET DEFAULT nextval('public.moves_id_seq'::regclass);
ALTER TABLE ONLY public.people ALTER COLUMN id SET DEFAULT nextval('public.people_id_seq'::regclass);
ALTER TABLE ONLY public.provider_events ALTER COLUMN id SET DEFAULT nextval('public.provider_events_id_seq'::regclass);
ALTER TABLE ONLY public.replies ALTER COLUMN id SET DEFAULT nextval('public.replies_id_seq'::regclass);
ALTER TABLE ONLY public.signatures ALTER COLUMN id SET DEFAULT nextval('public.signatures_id_seq'::regclass);
ALTER TABLE ONLY public.staff ALTER COLUMN id SET DEFAULT nextval('public.staff_id_seq'::regclass);
ALTER TABLE ONLY public.staff_sessions ALTER COLUMN id SET DEFAULT nextval('public.staff_sessions_id_seq'::regclass);
ALTER TABLE ONLY public.statements ALTER COLUMN id SET DEFAULT nextval('public.statements_id_seq'::regclass);
ALTER TABLE ONLY public.tags ALTER COLUMN id SET DEFAULT nextval('public.tags_id_seq'::regclass);
ALTER TABLE ONLY public.unsubscribe_presses ALTER COLUMN id SET DEFAULT nextval('public.unsubscribe_presses_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0037');
INSERT INTO public.campaigns VALUES (1234567890, '2026-11-ask', 'sending', '', '{"subject":["Dear ",0]}', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', '{"include":["supporters"]}', '{"chosen":4}', 'outbox', 1795510800000000, NULL, '', 7200, 1795510800000000, NULL, false, false, '', '', '', 0, '', '', 0);
INSERT INTO public.campaigns VALUES (77, '2026-10-ask', 'finished', '', '{"subject":["Dear ",0]}', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', '{"include":["supporters"]}', '{"chosen":4}', 'outbox', 1795510800000000, NULL, '', 7200, 1795510800000000, 1795510800000000, false, false, '', '', '', 0, '', '', 0);
INSERT INTO public.consent_sources VALUES (1, 'import', 'people.csv', 'Yes, mail me.');
INSERT INTO public.consents VALUES (1, 1, 1, 'subscribed', 1795510800000000, 1, NULL);
INSERT INTO public.consents VALUES (2, 2, 1, 'subscribed', 1795510800000000, 1, NULL);
INSERT INTO public.consents VALUES (3, 3, 1, 'subscribed', 1795510800000000, 1, NULL);
INSERT INTO public.deliveries VALUES (5302428712241725441, 1234567890, 1, 'sent', 1, 1795510800000000, NULL, '250', '', '', '', 1795510800000000, '', '', '', 0, 0, NULL);
INSERT INTO public.deliveries VALUES (5302428712241725442, 1234567890, 2, 'sending', 1, 1795510800000000, 4611686018427387903, '', '', '', '', 1795510800000000, '', '', '', 0, 0, NULL);
INSERT INTO public.deliveries VALUES (5302428712241725443, 1234567890, 3, 'queued', 0, 1795510800000000, NULL, '', '', '', '', NULL, '', '', '', 0, 0, NULL);
INSERT INTO public.deliveries VALUES (5302428712241725444, 1234567890, NULL, 'failed', 3, 1795510800000000, NULL, '550 5.1.1', '', '', '', 1795510800000000, '', '', '', 0, 0, NULL);
INSERT INTO public.deliveries VALUES (330712481793, 77, 1, 'uncertain', 1, 1795510800000000, NULL, '', '', '', '', 1795510800000000, '', '', '', 0, 0, NULL);
INSERT INTO public.deliveries VALUES (330712481794, 77, 2, 'skipped', 0, 1795510800000000, NULL, 'unsubscribed', '', '', '', NULL, '', '', '', 0, 0, NULL);
INSERT INTO public.events VALUES (1, 77, 330712481793, 1795510800000000, 'unsubscribed', '', '');
INSERT INTO public.hits VALUES (1, 77, 330712481793, 1, 1795510800000000, 'GET', '{"user-agent":"x"}', '\x0102', 'human', '', 1);
INSERT INTO public.images VALUES ('0000000000000000', 'image/png', '\x89504e4700');
INSERT INTO public.links VALUES (1234567890, 1, 'https://example.org/act', 'Add your name', 'button', true, '', '');
INSERT INTO public.links VALUES (1234567890, 2, 'https://example.org/act', 'Add your name', 'button', false, '', '');
INSERT INTO public.lists VALUES (1, 'supporters');
INSERT INTO public.lists VALUES (2, 'updates');
INSERT INTO public.people VALUES (1, 'person1@example.org', '\x01010101010101010101010101010101', 'Ada', '', 'GB', '', '{"town":"Zürich","größe":"1"}', true, 1795510800000000, 1795510800000001, 'every', '', '');
INSERT INTO public.people VALUES (2, 'person2@example.org', '\x02020202020202020202020202020202', 'Jörg', 'O''Brien \ "x"', 'GB', '', '{"town":"Zürich","größe":"2"}', true, 1795510800000000, 1795510800000002, 'every', '', '');
INSERT INTO public.people VALUES (3, 'person3@example.org', '\x03030303030303030303030303030303', 'محمد', '', 'GB', '', '{"town":"Zürich","größe":"3"}', false, 1795510800000000, 1795510800000003, 'every', '', '');
INSERT INTO public.people VALUES (7, 'person7@example.org', '\x07070707070707070707070707070707', '李', '', 'GB', '', '{"town":"Zürich","größe":"7"}', true, 1795510800000000, 1795510800000007, 'every', '', '');
INSERT INTO public.proofs VALUES (5, '2026-11-ask', '{}', 1, 1795510800000000);
INSERT INTO public.subscriptions VALUES (1, 1, 'subscribed', 1795510800000000);
INSERT INTO public.subscriptions VALUES (1, 2, 'subscribed', 1795510800000000);
INSERT INTO public.subscriptions VALUES (1, 3, 'unsubscribed', 1795510800000000);
INSERT INTO public.subscriptions VALUES (1, 7, 'pending', 1795510800000000);
INSERT INTO public.suppressions VALUES ('\x00ff00ff00ff00ff00ff00ff00ff00ff', 0, 'complained', 1795510800000000, 'x');
INSERT INTO public.workers VALUES (4611686018427387903, 'host:1', 1795510800000000, NULL);
SELECT pg_catalog.setval('public.approvals_id_seq', 1, false);
SELECT pg_catalog.setval('public.audit_log_id_seq', 1, false);
SELECT pg_catalog.setval('public.automation_entries_id_seq', 1, false);
SELECT pg_catalog.setval('public.automation_versions_id_seq', 1, false);
SELECT pg_catalog.setval('public.automations_id_seq', 1, false);
SELECT pg_catalog.setval('public.comments_id_seq', 1, false);
SELECT pg_catalog.setval('public.consent_sources_id_seq', 1, true);
SELECT pg_catalog.setval('public.consents_id_seq', 3, true);
SELECT pg_catalog.setval('public.conversions_id_seq', 1, false);
SELECT pg_catalog.setval('public.drafts_id_seq', 1, false);
SELECT pg_catalog.setval('public.events_id_seq', 1, true);
SELECT pg_catalog.setval('public.hits_id_seq', 1, true);
SELECT pg_catalog.setval('public.imports_id_seq', 1, false);
SELECT pg_catalog.setval('public.issues_id_seq', 1, false);
SELECT pg_catalog.setval('public.jobs_id_seq', 1, false);
SELECT pg_catalog.setval('public.lists_id_seq', 2, true);
SELECT pg_catalog.setval('public.lookup_tables_id_seq', 1, false);
SELECT pg_catalog.setval('public.moves_id_seq', 1, false);
SELECT pg_catalog.setval('public.people_id_seq', 7, true);
SELECT pg_catalog.setval('public.provider_events_id_seq', 1, false);
SELECT pg_catalog.setval('public.replies_id_seq', 1, false);
SELECT pg_catalog.setval('public.signatures_id_seq', 1, false);
SELECT pg_catalog.setval('public.staff_id_seq', 1, false);
SELECT pg_catalog.setval('public.staff_sessions_id_seq', 1, false);
SELECT pg_catalog.setval('public.statements_id_seq', 1, false);
SELECT pg_catalog.setval('public.tags_id_seq', 1, false);
SELECT pg_catalog.setval('public.unsubscribe_presses_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT pk_approvals PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT pk_audit_log PRIMARY KEY (id);
ALTER TABLE ONLY public.automation_entries
    ADD CONSTRAINT pk_automation_entries PRIMARY KEY (id);
ALTER TABLE ONLY public.automation_marks
    ADD CONSTRAINT pk_automation_marks PRIMARY KEY (automation_id, feed);
ALTER TABLE ONLY public.automation_sends
    ADD CONSTRAINT pk_automation_sends PRIMARY KEY (campaign_id);
ALTER TABLE ONLY public.automation_versions
    ADD CONSTRAINT pk_automation_versions PRIMARY KEY (id);
ALTER TABLE ONLY public.automations
    ADD CONSTRAINT pk_automations PRIMARY KEY (id);
ALTER TABLE ONLY public.campaign_lookups
    ADD CONSTRAINT pk_campaign_lookups PRIMARY KEY (campaign_id, table_id);
ALTER TABLE ONLY public.campaign_tests
    ADD CONSTRAINT pk_campaign_tests PRIMARY KEY (campaign_id);
ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT pk_campaigns PRIMARY KEY (id);
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT pk_cohorts PRIMARY KEY (campaign_id, n);
ALTER TABLE ONLY public.comments
    ADD CONSTRAINT pk_comments PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_sources
    ADD CONSTRAINT pk_consent_sources PRIMARY KEY (id);
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT pk_consents PRIMARY KEY (id);
ALTER TABLE ONLY public.conversions
    ADD CONSTRAINT pk_conversions PRIMARY KEY (id);
ALTER TABLE ONLY public.data_readings
    ADD CONSTRAINT pk_data_readings PRIMARY KEY (newsletter, source);
ALTER TABLE ONLY public.delivered_petitions
    ADD CONSTRAINT pk_delivered_petitions PRIMARY KEY (page);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT pk_deliveries PRIMARY KEY (id);
ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT pk_drafts PRIMARY KEY (id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT pk_events PRIMARY KEY (id);
ALTER TABLE ONLY public.guard_evidence
    ADD CONSTRAINT pk_guard_evidence PRIMARY KEY (campaign_id);
ALTER TABLE ONLY public.hits
    ADD CONSTRAINT pk_hits PRIMARY KEY (id);
ALTER TABLE ONLY public.images
    ADD CONSTRAINT pk_images PRIMARY KEY (digest);
ALTER TABLE ONLY public.import_people
    ADD CONSTRAINT pk_import_people PRIMARY KEY (import_id, person_id);
ALTER TABLE ONLY public.import_subscriptions
    ADD CONSTRAINT pk_import_subscriptions PRIMARY KEY (import_id, list_id, person_id);
ALTER TABLE ONLY public.import_suppressions
    ADD CONSTRAINT pk_import_suppressions PRIMARY KEY (address_hash, list_id, reason, import_id);
ALTER TABLE ONLY public.imports
    ADD CONSTRAINT pk_imports PRIMARY KEY (id);
ALTER TABLE ONLY public.issues
    ADD CONSTRAINT pk_issues PRIMARY KEY (id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (id);
ALTER TABLE ONLY public.judged_hits
    ADD CONSTRAINT pk_judged_hits PRIMARY KEY (campaign_id);
ALTER TABLE ONLY public.links
    ADD CONSTRAINT pk_links PRIMARY KEY (campaign_id, n);
ALTER TABLE ONLY public.lists
    ADD CONSTRAINT pk_lists PRIMARY KEY (id);
ALTER TABLE ONLY public.lookup_rows
    ADD CONSTRAINT pk_lookup_rows PRIMARY KEY (table_id, key);
ALTER TABLE ONLY public.lookup_tables
    ADD CONSTRAINT pk_lookup_tables PRIMARY KEY (id);
ALTER TABLE ONLY public.more_hits
    ADD CONSTRAINT pk_more_hits PRIMARY KEY (campaign_id, n, verdict);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT pk_moves PRIMARY KEY (id);
ALTER TABLE ONLY public.paces
    ADD CONSTRAINT pk_paces PRIMARY KEY (transport, domain);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT pk_people PRIMARY KEY (id);
ALTER TABLE ONLY public.people_tags
    ADD CONSTRAINT pk_people_tags PRIMARY KEY (person_id, tag_id);
ALTER TABLE ONLY public.planned_times
    ADD CONSTRAINT pk_planned_times PRIMARY KEY (slug);
ALTER TABLE ONLY public.proofs
    ADD CONSTRAINT pk_proofs PRIMARY KEY (id);
ALTER TABLE ONLY public.provider_events
    ADD CONSTRAINT pk_provider_events PRIMARY KEY (id);
ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT pk_rate_limits PRIMARY KEY (key);
ALTER TABLE ONLY public.replies
    ADD CONSTRAINT pk_replies PRIMARY KEY (id);
ALTER TABLE ONLY public.requests
    ADD CONSTRAINT pk_requests PRIMARY KEY (id);
ALTER TABLE ONLY public.returned_mails
    ADD CONSTRAINT pk_returned_mails PRIMARY KEY (digest);
ALTER TABLE ONLY public.reviewed_contents
    ADD CONSTRAINT pk_reviewed_contents PRIMARY KEY (digest);
ALTER TABLE ONLY public.reviewers
    ADD CONSTRAINT pk_reviewers PRIMARY KEY (address);
ALTER TABLE ONLY public.series
    ADD CONSTRAINT pk_series PRIMARY KEY (slug);
ALTER TABLE ONLY public.signatures
    ADD CONSTRAINT pk_signatures PRIMARY KEY (id);
ALTER TABLE ONLY public.staff
    ADD CONSTRAINT pk_staff PRIMARY KEY (id);
ALTER TABLE ONLY public.staff_challenges
    ADD CONSTRAINT pk_staff_challenges PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.staff_links
    ADD CONSTRAINT pk_staff_links PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.staff_passkeys
    ADD CONSTRAINT pk_staff_passkeys PRIMARY KEY (credential_id);
ALTER TABLE ONLY public.staff_recovery_codes
    ADD CONSTRAINT pk_staff_recovery_codes PRIMARY KEY (account_id, hash);
ALTER TABLE ONLY public.staff_sessions
    ADD CONSTRAINT pk_staff_sessions PRIMARY KEY (id);
ALTER TABLE ONLY public.statements
    ADD CONSTRAINT pk_statements PRIMARY KEY (id);
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT pk_subscriptions PRIMARY KEY (list_id, person_id);
ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT pk_suppressions PRIMARY KEY (address_hash, list_id, reason);
ALTER TABLE ONLY public.tags
    ADD CONSTRAINT pk_tags PRIMARY KEY (id);
ALTER TABLE ONLY public.translated_texts
    ADD CONSTRAINT pk_translated_texts PRIMARY KEY (digest);
ALTER TABLE ONLY public.unsubscribe_presses
    ADD CONSTRAINT pk_unsubscribe_presses PRIMARY KEY (id);
ALTER TABLE ONLY public.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (newsletter, file, digest);
ALTER TABLE ONLY public.warm_up_days
    ADD CONSTRAINT pk_warm_up_days PRIMARY KEY (transport, day);
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT pk_workers PRIMARY KEY (id);
ALTER TABLE ONLY public.automation_entries
    ADD CONSTRAINT uq_automation_entries_automation_id_person_id_number UNIQUE (automation_id, person_id, number);
ALTER TABLE ONLY public.automation_sends
    ADD CONSTRAINT uq_automation_sends_version_id_step UNIQUE (version_id, step);
ALTER TABLE ONLY public.automation_versions
    ADD CONSTRAINT uq_automation_versions_automation_id_number UNIQUE (automation_id, number);
ALTER TABLE ONLY public.automations
    ADD CONSTRAINT uq_automations_slug UNIQUE (slug);
ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT uq_campaigns_slug UNIQUE (slug);
ALTER TABLE ONLY public.consent_sources
    ADD CONSTRAINT uq_consent_sources_how_source_wording UNIQUE (how, source, wording);
ALTER TABLE ONLY public.conversions
    ADD CONSTRAINT uq_conversions_name_reference UNIQUE (name, reference);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT uq_deliveries_campaign_id_person_id_entry UNIQUE (campaign_id, person_id, entry);
ALTER TABLE ONLY public.issues
    ADD CONSTRAINT uq_issues_slug_planned_at UNIQUE (slug, planned_at);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT uq_jobs_kind_key UNIQUE (kind, key);
ALTER TABLE ONLY public.lists
    ADD CONSTRAINT uq_lists_name UNIQUE (name);
ALTER TABLE ONLY public.lookup_tables
    ADD CONSTRAINT uq_lookup_tables_digest UNIQUE (digest);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT uq_moves_token UNIQUE (token);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT uq_people_address UNIQUE (address);
ALTER TABLE ONLY public.provider_events
    ADD CONSTRAINT uq_provider_events_provider_key UNIQUE (provider, key);
ALTER TABLE ONLY public.replies
    ADD CONSTRAINT uq_replies_key UNIQUE (key);
ALTER TABLE ONLY public.signatures
    ADD CONSTRAINT uq_signatures_page_person_id UNIQUE (page, person_id);
ALTER TABLE ONLY public.staff
    ADD CONSTRAINT uq_staff_address UNIQUE (address);
ALTER TABLE ONLY public.staff
    ADD CONSTRAINT uq_staff_handle UNIQUE (handle);
ALTER TABLE ONLY public.staff_sessions
    ADD CONSTRAINT uq_staff_sessions_token_hash UNIQUE (token_hash);
ALTER TABLE ONLY public.staff
    ADD CONSTRAINT uq_staff_sso UNIQUE (sso);
ALTER TABLE ONLY public.statements
    ADD CONSTRAINT uq_statements_page_text UNIQUE (page, text);
ALTER TABLE ONLY public.tags
    ADD CONSTRAINT uq_tags_key UNIQUE (key);
CREATE INDEX ix_approvals_slug ON public.approvals USING btree (slug);
CREATE INDEX ix_audit_log_address_hash ON public.audit_log USING btree (address_hash);
CREATE INDEX ix_audit_log_subject ON public.audit_log USING btree (subject);
CREATE INDEX ix_automation_entries_inside ON public.automation_entries USING btree (version_id, step, due_at, id) WHERE (due_at IS NOT NULL);
CREATE INDEX ix_automation_entries_out ON public.automation_entries USING btree (version_id, state, reason) WHERE (due_at IS NULL);
CREATE INDEX ix_automation_entries_person_id ON public.automation_entries USING btree (person_id);
CREATE INDEX ix_automations_due_at ON public.automations USING btree (due_at);
CREATE INDEX ix_campaign_lookups_table_id ON public.campaign_lookups USING btree (table_id);
CREATE INDEX ix_campaign_tests_waiting ON public.campaign_tests USING btree (decide_at) WHERE (decided_at IS NULL);
CREATE INDEX ix_campaigns_recent ON public.campaigns USING btree (finished_at, launched_at, is_urgent);
CREATE INDEX ix_cohorts_decide_at ON public.cohorts USING btree (decide_at) WHERE (decided_at IS NULL);
CREATE INDEX ix_comments_slug ON public.comments USING btree (slug);
CREATE INDEX ix_consents_person_id ON public.consents USING btree (person_id);
CREATE INDEX ix_conversions_campaign_id ON public.conversions USING btree (campaign_id);
CREATE INDEX ix_data_readings_read_at ON public.data_readings USING btree (read_at);
CREATE INDEX ix_deliveries_apart ON public.deliveries USING btree (campaign_id, state) WHERE (state <> ALL (ARRAY['queued'::text, 'sending'::text, 'sent'::text]));
CREATE INDEX ix_deliveries_person_id ON public.deliveries USING btree (person_id);
CREATE INDEX ix_deliveries_queue ON public.deliveries USING btree (campaign_id, stage, not_before, id) WHERE ((state = 'queued'::text) AND (worker_id IS NULL));
CREATE INDEX ix_deliveries_worker_id ON public.deliveries USING btree (worker_id) WHERE (worker_id IS NOT NULL);
CREATE INDEX ix_drafts_at ON public.drafts USING btree (at);
CREATE INDEX ix_drafts_newsletter_file_at ON public.drafts USING btree (newsletter, file, at);
CREATE INDEX ix_events_campaign_id ON public.events USING btree (campaign_id);
CREATE INDEX ix_events_delivery_id ON public.events USING btree (delivery_id);
CREATE INDEX ix_events_feedback ON public.events USING btree (campaign_id) WHERE (kind = ANY (ARRAY['bounced'::text, 'complained'::text]));
CREATE INDEX ix_hits_campaign_id_delivery_id ON public.hits USING btree (campaign_id, delivery_id);
CREATE INDEX ix_issues_campaign ON public.issues USING btree (campaign);
CREATE INDEX ix_issues_planned ON public.issues USING btree (wake_at) WHERE (state = 'planned'::text);
CREATE INDEX ix_jobs_kind_state_done_at ON public.jobs USING btree (kind, state, done_at);
CREATE INDEX ix_jobs_open ON public.jobs USING btree (kind, due_at, id) WHERE (done_at IS NULL);
CREATE INDEX ix_jobs_person_id ON public.jobs USING btree (person_id);
CREATE INDEX ix_people_tags_tag_id_person_id ON public.people_tags USING btree (tag_id, person_id);
CREATE INDEX ix_provider_events_delivery_id ON public.provider_events USING btree (delivery_id);
CREATE INDEX ix_rate_limits_next_at ON public.rate_limits USING btree (next_at);
CREATE INDEX ix_replies_at ON public.replies USING btree (at);
CREATE INDEX ix_replies_campaign_id ON public.replies USING btree (campaign_id);
CREATE INDEX ix_replies_delivery_id ON public.replies USING btree (delivery_id);
CREATE INDEX ix_replies_waiting ON public.replies USING btree (at) WHERE (state = 'new'::text);
CREATE INDEX ix_requests_address ON public.requests USING btree (address);
CREATE INDEX ix_requests_asked_at ON public.requests USING btree (asked_at);
CREATE INDEX ix_returned_mails_delivery_id ON public.returned_mails USING btree (delivery_id);
CREATE INDEX ix_returned_mails_open ON public.returned_mails USING btree (at) WHERE (decision = 'open'::text);
CREATE INDEX ix_signatures_campaign_id ON public.signatures USING btree (campaign_id);
CREATE INDEX ix_signatures_page_signed_at ON public.signatures USING btree (page, signed_at);
CREATE INDEX ix_signatures_person_id ON public.signatures USING btree (person_id);
CREATE INDEX ix_signatures_to_decide ON public.signatures USING btree (page, changed_at, id) WHERE (shown AND (comment <> ''::text) AND (comment_state = ANY (ARRAY['new'::text, 'held'::text])));
CREATE INDEX ix_staff_challenges_expires_at ON public.staff_challenges USING btree (expires_at);
CREATE INDEX ix_staff_links_account_id ON public.staff_links USING btree (account_id);
CREATE INDEX ix_staff_passkeys_account_id ON public.staff_passkeys USING btree (account_id);
CREATE INDEX ix_staff_sessions_account_id ON public.staff_sessions USING btree (account_id);
CREATE INDEX ix_subscriptions_person_id ON public.subscriptions USING btree (person_id);
CREATE INDEX ix_unsubscribe_presses_at ON public.unsubscribe_presses USING btree (at);
CREATE INDEX ix_unsubscribe_presses_delivery_id ON public.unsubscribe_presses USING btree (delivery_id);
CREATE INDEX ix_versions_at ON public.versions USING btree (at);
CREATE TRIGGER audit_log_no_change BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_refuse();
ALTER TABLE ONLY public.automation_entries
    ADD CONSTRAINT fk_automation_entries_automation_id FOREIGN KEY (automation_id) REFERENCES public.automations(id);
ALTER TABLE ONLY public.automation_marks
    ADD CONSTRAINT fk_automation_marks_automation_id FOREIGN KEY (automation_id) REFERENCES public.automations(id);
ALTER TABLE ONLY public.automation_sends
    ADD CONSTRAINT fk_automation_sends_version_id FOREIGN KEY (version_id) REFERENCES public.automation_versions(id);
ALTER TABLE ONLY public.automation_versions
    ADD CONSTRAINT fk_automation_versions_automation_id FOREIGN KEY (automation_id) REFERENCES public.automations(id);
ALTER TABLE ONLY public.campaign_tests
    ADD CONSTRAINT fk_campaign_tests_campaign_id FOREIGN KEY (campaign_id) REFERENCES public.campaigns(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT fk_cohorts_campaign_id FOREIGN KEY (campaign_id) REFERENCES public.campaigns(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT fk_consents_person_id FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.links
    ADD CONSTRAINT fk_links_campaign_id FOREIGN KEY (campaign_id) REFERENCES public.campaigns(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.people_tags
    ADD CONSTRAINT fk_people_tags_person_id FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.signatures
    ADD CONSTRAINT fk_signatures_statement_id FOREIGN KEY (statement_id) REFERENCES public.statements(id);
ALTER TABLE ONLY public.staff_links
    ADD CONSTRAINT fk_staff_links_account_id FOREIGN KEY (account_id) REFERENCES public.staff(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.staff_passkeys
    ADD CONSTRAINT fk_staff_passkeys_account_id FOREIGN KEY (account_id) REFERENCES public.staff(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.staff_recovery_codes
    ADD CONSTRAINT fk_staff_recovery_codes_account_id FOREIGN KEY (account_id) REFERENCES public.staff(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.staff_sessions
    ADD CONSTRAINT fk_staff_sessions_account_id FOREIGN KEY (account_id) REFERENCES public.staff(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT fk_subscriptions_person_id FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;
