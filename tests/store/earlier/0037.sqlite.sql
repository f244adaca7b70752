BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0037');
CREATE TABLE approvals (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	slug TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	step TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	account_id BIGINT, 
	via TEXT DEFAULT '' NOT NULL
);
CREATE TABLE audit_log (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	action TEXT NOT NULL, 
	address_hash BLOB, 
	detail TEXT DEFAULT '' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL
, account_id BIGINT, via TEXT DEFAULT '' NOT NULL, subject TEXT DEFAULT '' NOT NULL, "before" TEXT DEFAULT '' NOT NULL, "after" TEXT DEFAULT '' NOT NULL);
CREATE TABLE automation_entries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	automation_id BIGINT NOT NULL, 
	version_id BIGINT NOT NULL, 
	person_id BIGINT, 
	number INTEGER NOT NULL, 
	step TEXT NOT NULL, 
	due_at BIGINT, 
	state TEXT NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	entered_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT fk_automation_entries_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id), 
	CONSTRAINT uq_automation_entries_automation_id_person_id_number UNIQUE (automation_id, person_id, number)
);
CREATE TABLE automation_marks (
	automation_id BIGINT NOT NULL, 
	feed TEXT NOT NULL, 
	up_to BIGINT NOT NULL, 
	at BIGINT, 
	CONSTRAINT pk_automation_marks PRIMARY KEY (automation_id, feed), 
	CONSTRAINT fk_automation_marks_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id)
);
CREATE TABLE automation_sends (
	campaign_id BIGINT NOT NULL, 
	version_id BIGINT NOT NULL, 
	step TEXT NOT NULL, 
	CONSTRAINT pk_automation_sends PRIMARY KEY (campaign_id), 
	CONSTRAINT fk_automation_sends_version_id FOREIGN KEY(version_id) REFERENCES automation_versions (id), 
	CONSTRAINT uq_automation_sends_version_id_step UNIQUE (version_id, step)
);
CREATE TABLE automation_versions (
	id INTEGER NOT NULL, 
	automation_id BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	definition JSON NOT NULL, 
	digest TEXT NOT NULL, 
	list_id BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	retired_at BIGINT, 
	CONSTRAINT pk_automation_versions PRIMARY KEY (id), 
	CONSTRAINT fk_automation_versions_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id), 
	CONSTRAINT uq_automation_versions_automation_id_number UNIQUE (automation_id, number)
);
CREATE TABLE automations (
	id INTEGER NOT NULL, 
	slug TEXT NOT NULL, 
	state TEXT NOT NULL, 
	version_id BIGINT, 
	started_at BIGINT NOT NULL, 
	due_at BIGINT, 
	looked_at BIGINT, 
	CONSTRAINT pk_automations PRIMARY KEY (id), 
	CONSTRAINT uq_automations_slug UNIQUE (slug)
);
CREATE TABLE campaign_lookups (
	campaign_id BIGINT NOT NULL, 
	table_id BIGINT NOT NULL, 
	CONSTRAINT pk_campaign_lookups PRIMARY KEY (campaign_id, table_id)
);
CREATE TABLE campaign_tests (
	campaign_id BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	"plan" JSON NOT NULL, 
	decide_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	why TEXT DEFAULT '' NOT NULL, 
	winner TEXT DEFAULT '' NOT NULL, 
	decided_at BIGINT, 
	decision JSON, 
	CONSTRAINT pk_campaign_tests PRIMARY KEY (campaign_id), 
	CONSTRAINT fk_campaign_tests_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id) ON DELETE CASCADE
);
CREATE TABLE campaigns (
	id INTEGER NOT NULL, 
	slug TEXT NOT NULL, 
	state TEXT NOT NULL, 
	why TEXT DEFAULT '' NOT NULL, 
	message JSON NOT NULL, 
	digest TEXT NOT NULL, 
	audience JSON NOT NULL, 
	counts JSON DEFAULT '{}' NOT NULL, 
	transport TEXT DEFAULT '' NOT NULL, 
	created_at BIGINT NOT NULL, 
	due_at BIGINT, 
	zone TEXT DEFAULT '' NOT NULL, 
	late_seconds INTEGER DEFAULT '7200' NOT NULL, 
	launched_at BIGINT, 
	finished_at BIGINT, is_public BOOLEAN DEFAULT '0' NOT NULL, is_urgent BOOLEAN DEFAULT '0' NOT NULL, content_digest TEXT DEFAULT '' NOT NULL, kind TEXT DEFAULT '' NOT NULL, parent TEXT DEFAULT '' NOT NULL, stage INTEGER DEFAULT '0' NOT NULL, local_at TEXT DEFAULT '' NOT NULL, past TEXT DEFAULT '' NOT NULL, spread_seconds INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_campaigns PRIMARY KEY (id), 
	CONSTRAINT uq_campaigns_slug UNIQUE (slug)
);
INSERT INTO "campaigns" VALUES(77,'2026-10-ask','finished','','{"subject":["Dear ",0]}','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"include":["supporters"]}','{"chosen":4}','outbox',1795510800000000,NULL,'',7200,1795510800000000,1795510800000000,0,0,'','','',0,'','',0);
INSERT INTO "campaigns" VALUES(1234567890,'2026-11-ask','sending','','{"subject":["Dear ",0]}','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"include":["supporters"]}','{"chosen":4}','outbox',1795510800000000,NULL,'',7200,1795510800000000,NULL,0,0,'','','',0,'','',0);
CREATE TABLE cohorts (
	campaign_id BIGINT NOT NULL, 
	n INTEGER NOT NULL, 
	people INTEGER NOT NULL, 
	sample INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	decide_at BIGINT, 
	decided_at BIGINT, 
	why TEXT DEFAULT '' NOT NULL, 
	counts JSON DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_cohorts PRIMARY KEY (campaign_id, n), 
	CONSTRAINT fk_cohorts_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id) ON DELETE CASCADE
);
CREATE TABLE comments (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	slug TEXT NOT NULL, 
	thread_id BIGINT, 
	file TEXT DEFAULT '' NOT NULL, 
	line INTEGER DEFAULT '0' NOT NULL, 
	quote TEXT DEFAULT '' NOT NULL, 
	text TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	account_id BIGINT, 
	resolved_at BIGINT, 
	resolved_by TEXT DEFAULT '' NOT NULL
);
CREATE TABLE consent_sources (
	id INTEGER NOT NULL, 
	how TEXT NOT NULL, 
	source TEXT NOT NULL, 
	wording TEXT NOT NULL, 
	CONSTRAINT pk_consent_sources PRIMARY KEY (id), 
	CONSTRAINT uq_consent_sources_how_source_wording UNIQUE (how, source, wording)
);
INSERT INTO "consent_sources" VALUES(1,'import','people.csv','Yes, mail me.');
CREATE TABLE "consents" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	person_id BIGINT NOT NULL, 
	list_id BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	source_id BIGINT NOT NULL, 
	given_at BIGINT, 
	CONSTRAINT fk_consents_source_id FOREIGN KEY(source_id) REFERENCES consent_sources (id), 
	CONSTRAINT fk_consents_list_id FOREIGN KEY(list_id) REFERENCES lists (id), 
	CONSTRAINT fk_consents_person_id FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "consents" VALUES(1,1,1,'subscribed',1795510800000000,1,NULL);
INSERT INTO "consents" VALUES(2,2,1,'subscribed',1795510800000000,1,NULL);
INSERT INTO "consents" VALUES(3,3,1,'subscribed',1795510800000000,1,NULL);
CREATE TABLE conversions (
	id INTEGER NOT NULL, 
	campaign_id BIGINT NOT NULL, 
	delivery_id BIGINT, 
	n INTEGER, 
	name TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	CONSTRAINT pk_conversions PRIMARY KEY (id), 
	CONSTRAINT uq_conversions_name_reference UNIQUE (name, reference)
);
CREATE TABLE data_readings (
	newsletter TEXT NOT NULL, 
	source TEXT NOT NULL, 
	read_at BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	charset TEXT NOT NULL, 
	base TEXT NOT NULL, 
	fault TEXT DEFAULT '' NOT NULL, 
	remedy TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_data_readings PRIMARY KEY (newsletter, source)
);
CREATE TABLE delivered_petitions (
	page TEXT NOT NULL, 
	day TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	signatures INTEGER NOT NULL, 
	noted_at BIGINT NOT NULL, 
	CONSTRAINT pk_delivered_petitions PRIMARY KEY (page)
);
CREATE TABLE "deliveries" (
	id INTEGER NOT NULL, 
	campaign_id BIGINT NOT NULL, 
	person_id BIGINT, 
	state TEXT NOT NULL, 
	attempt INTEGER DEFAULT '0' NOT NULL, 
	not_before BIGINT NOT NULL, 
	worker_id BIGINT, 
	code TEXT DEFAULT ('') NOT NULL, 
	detail TEXT DEFAULT ('') NOT NULL, 
	reply_class TEXT DEFAULT ('') NOT NULL, 
	provider_id TEXT DEFAULT ('') NOT NULL, 
	changed_at BIGINT, 
	feedback TEXT DEFAULT ('') NOT NULL, 
	language TEXT DEFAULT ('') NOT NULL, 
	arm TEXT DEFAULT '' NOT NULL, 
	stage INTEGER DEFAULT '0' NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, not_after BIGINT, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id), 
	CONSTRAINT fk_deliveries_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id) ON DELETE CASCADE, 
	CONSTRAINT uq_deliveries_campaign_id_person_id_entry UNIQUE (campaign_id, person_id, entry)
);
INSERT INTO "deliveries" VALUES(330712481793,77,1,'uncertain',1,1795510800000000,NULL,'','','','',1795510800000000,'','','',0,0,NULL);
INSERT INTO "deliveries" VALUES(330712481794,77,2,'skipped',0,1795510800000000,NULL,'unsubscribed','','','',NULL,'','','',0,0,NULL);
INSERT INTO "deliveries" VALUES(5302428712241725441,1234567890,1,'sent',1,1795510800000000,NULL,'250','','','',1795510800000000,'','','',0,0,NULL);
INSERT INTO "deliveries" VALUES(5302428712241725442,1234567890,2,'sending',1,1795510800000000,4611686018427387903,'','','','',1795510800000000,'','','',0,0,NULL);
INSERT INTO "deliveries" VALUES(5302428712241725443,1234567890,3,'queued',0,1795510800000000,NULL,'','','','',NULL,'','','',0,0,NULL);
INSERT INTO "deliveries" VALUES(5302428712241725444,1234567890,NULL,'failed',3,1795510800000000,NULL,'550 5.1.1','','','',1795510800000000,'','','',0,0,NULL);
CREATE TABLE drafts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	newsletter TEXT NOT NULL, 
	file TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	account_id BIGINT, 
	begun_at BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	saved_at BIGINT, 
	content BLOB NOT NULL
);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	campaign_id BIGINT NOT NULL, 
	delivery_id BIGINT, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	detail TEXT DEFAULT '' NOT NULL, reply_class TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,77,330712481793,1795510800000000,'unsubscribed','','');
CREATE TABLE guard_evidence (
	campaign_id BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	accepted INTEGER DEFAULT '0' NOT NULL, 
	refused INTEGER DEFAULT '0' NOT NULL, 
	hard INTEGER DEFAULT '0' NOT NULL, 
	recent TEXT DEFAULT '' NOT NULL, 
	troubles INTEGER DEFAULT '0' NOT NULL, 
	trouble_at BIGINT, 
	CONSTRAINT pk_guard_evidence PRIMARY KEY (campaign_id)
);
CREATE TABLE hits (
	id INTEGER NOT NULL, 
	campaign_id BIGINT NOT NULL, 
	delivery_id BIGINT, 
	n INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	method TEXT NOT NULL, 
	headers JSON NOT NULL, 
	network BLOB NOT NULL, 
	verdict TEXT NOT NULL, 
	reasons TEXT DEFAULT '' NOT NULL, 
	rules INTEGER NOT NULL, 
	CONSTRAINT pk_hits PRIMARY KEY (id)
);
INSERT INTO "hits" VALUES(1,77,330712481793,1,1795510800000000,'GET','{"user-agent":"x"}',X'0102','human','',1);
CREATE TABLE images (
	digest TEXT NOT NULL, 
	content_type TEXT NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_images PRIMARY KEY (digest)
);
INSERT INTO "images" VALUES('0000000000000000','image/png',X'89504E4700');
CREATE TABLE import_people (
	import_id BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	joined BOOLEAN NOT NULL, 
	first_name TEXT, 
	last_name TEXT, 
	country TEXT, 
	language TEXT, 
	attributes JSON, 
	updated_at BIGINT, timezone TEXT, timezone_source TEXT, 
	CONSTRAINT pk_import_people PRIMARY KEY (import_id, person_id)
)
 WITHOUT ROWID

;
CREATE TABLE import_subscriptions (
	import_id BIGINT NOT NULL, 
	list_id BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_import_subscriptions PRIMARY KEY (import_id, list_id, person_id)
)
 WITHOUT ROWID

;
CREATE TABLE import_suppressions (
	address_hash BLOB NOT NULL, 
	list_id BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	import_id BIGINT NOT NULL, 
	CONSTRAINT pk_import_suppressions PRIMARY KEY (address_hash, list_id, reason, import_id)
)
 WITHOUT ROWID

;
CREATE TABLE imports (
	id INTEGER NOT NULL, 
	list_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	files JSON NOT NULL, 
	report JSON DEFAULT '{}' NOT NULL, 
	sources JSON NOT NULL, 
	people_after BIGINT NOT NULL, 
	people_until BIGINT NOT NULL, 
	consents_after BIGINT NOT NULL, 
	consents_until BIGINT NOT NULL, 
	undo_until BIGINT, 
	undone_at BIGINT, 
	undone_by TEXT DEFAULT '' NOT NULL, 
	undone JSON, move_id BIGINT, account JSON, 
	CONSTRAINT pk_imports PRIMARY KEY (id)
);
CREATE TABLE issues (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	slug TEXT NOT NULL, 
	planned_at BIGINT NOT NULL, 
	wake_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	why TEXT DEFAULT '' NOT NULL, 
	campaign TEXT DEFAULT '' NOT NULL, 
	standing TEXT DEFAULT '' NOT NULL, 
	since BIGINT, 
	data JSON, 
	settled_at BIGINT, 
	CONSTRAINT uq_issues_slug_planned_at UNIQUE (slug, planned_at)
);
CREATE TABLE jobs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	topic TEXT DEFAULT '' NOT NULL, 
	"key" TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER DEFAULT '0' NOT NULL, 
	due_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	done_at BIGINT, 
	detail TEXT DEFAULT '' NOT NULL, 
	asked_by TEXT DEFAULT '' NOT NULL, 
	progress JSON, 
	cancel BOOLEAN DEFAULT '0' NOT NULL, 
	person_id BIGINT, 
	address TEXT DEFAULT '' NOT NULL, 
	payload BLOB NOT NULL, 
	CONSTRAINT uq_jobs_kind_key UNIQUE (kind, "key")
);
CREATE TABLE judged_hits (
	campaign_id BIGINT NOT NULL, 
	up_to BIGINT NOT NULL, 
	rules INTEGER NOT NULL, 
	CONSTRAINT pk_judged_hits PRIMARY KEY (campaign_id)
);
CREATE TABLE links (
	campaign_id BIGINT NOT NULL, 
	n INTEGER NOT NULL, 
	url TEXT NOT NULL, 
	label TEXT NOT NULL, 
	placement TEXT NOT NULL, 
	is_action BOOLEAN NOT NULL, language TEXT DEFAULT '' NOT NULL, arm TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_links PRIMARY KEY (campaign_id, n), 
	CONSTRAINT fk_links_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id) ON DELETE CASCADE
);
INSERT INTO "links" VALUES(1234567890,1,'https://example.org/act','Add your name','button',1,'','');
INSERT INTO "links" VALUES(1234567890,2,'https://example.org/act','Add your name','button',0,'','');
CREATE TABLE lists (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_lists PRIMARY KEY (id), 
	CONSTRAINT uq_lists_name UNIQUE (name)
);
INSERT INTO "lists" VALUES(1,'supporters');
INSERT INTO "lists" VALUES(2,'updates');
CREATE TABLE lookup_rows (
	table_id BIGINT NOT NULL, 
	"key" TEXT NOT NULL, 
	cells TEXT NOT NULL, 
	CONSTRAINT pk_lookup_rows PRIMARY KEY (table_id, "key")
)
 WITHOUT ROWID

;
CREATE TABLE lookup_tables (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	columns JSON NOT NULL, 
	rows INTEGER NOT NULL, 
	whole INTEGER NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT uq_lookup_tables_digest UNIQUE (digest)
);
CREATE TABLE more_hits (
	campaign_id BIGINT NOT NULL, 
	n INTEGER NOT NULL, 
	verdict TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_more_hits PRIMARY KEY (campaign_id, n, verdict)
);
CREATE TABLE moves (
	id INTEGER NOT NULL, 
	token TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	report JSON, 
	CONSTRAINT pk_moves PRIMARY KEY (id), 
	CONSTRAINT uq_moves_token UNIQUE (token)
);
CREATE TABLE paces (
	transport TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	next_at BIGINT NOT NULL, 
	CONSTRAINT pk_paces PRIMARY KEY (transport, domain)
);
CREATE TABLE people (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	address TEXT NOT NULL, 
	address_hash BLOB NOT NULL, 
	first_name TEXT DEFAULT '' NOT NULL, 
	last_name TEXT DEFAULT '' NOT NULL, 
	country TEXT DEFAULT '' NOT NULL, 
	language TEXT DEFAULT '' NOT NULL, 
	attributes JSON DEFAULT '{}' NOT NULL, 
	tracking BOOLEAN DEFAULT '1' NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, frequency TEXT DEFAULT 'every' NOT NULL, timezone TEXT DEFAULT '' NOT NULL, timezone_source TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT uq_people_address UNIQUE (address)
);
INSERT INTO "people" VALUES(1,'person1@example.org',X'01010101010101010101010101010101','Ada','','GB','','{"town":"Zürich","größe":"1"}',1,1795510800000000,1795510800000001,'every','','');
INSERT INTO "people" VALUES(2,'person2@example.org',X'02020202020202020202020202020202','Jörg','O''Brien \ "x"','GB','','{"town":"Zürich","größe":"2"}',1,1795510800000000,1795510800000002,'every','','');
INSERT INTO "people" VALUES(3,'person3@example.org',X'03030303030303030303030303030303','محمد','','GB','','{"town":"Zürich","größe":"3"}',0,1795510800000000,1795510800000003,'every','','');
INSERT INTO "people" VALUES(7,'person7@example.org',X'07070707070707070707070707070707','李','','GB','','{"town":"Zürich","größe":"7"}',1,1795510800000000,1795510800000007,'every','','');
CREATE TABLE people_tags (
	person_id BIGINT NOT NULL, 
	tag_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	source TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_people_tags PRIMARY KEY (person_id, tag_id), 
	CONSTRAINT fk_people_tags_person_id FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE, 
	CONSTRAINT fk_people_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id)
)
 WITHOUT ROWID

;
CREATE TABLE planned_times (
	slug TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	zone TEXT NOT NULL, local BOOLEAN DEFAULT '0' NOT NULL, past TEXT DEFAULT '' NOT NULL, spread_seconds INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_planned_times PRIMARY KEY (slug)
);
CREATE TABLE proofs (
	id BIGINT NOT NULL, 
	slug TEXT NOT NULL, 
	message JSON NOT NULL, 
	person_id BIGINT, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_proofs PRIMARY KEY (id)
);
INSERT INTO "proofs" VALUES(5,'2026-11-ask','{}',1,1795510800000000);
CREATE TABLE provider_events (
	id INTEGER NOT NULL, 
	provider TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	delivery_id BIGINT, 
	payload JSON NOT NULL, 
	why TEXT NOT NULL, 
	CONSTRAINT pk_provider_events PRIMARY KEY (id), 
	CONSTRAINT uq_provider_events_provider_key UNIQUE (provider, "key")
);
CREATE TABLE rate_limits (
	"key" BLOB NOT NULL, 
	next_at BIGINT NOT NULL, 
	CONSTRAINT pk_rate_limits PRIMARY KEY ("key")
);
CREATE TABLE replies (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	campaign_id BIGINT, 
	delivery_id BIGINT, 
	sender TEXT DEFAULT '' NOT NULL, 
	subject TEXT DEFAULT '' NOT NULL, 
	message_id TEXT DEFAULT '' NOT NULL, 
	words TEXT DEFAULT '' NOT NULL, 
	attachments JSON DEFAULT '[]' NOT NULL, 
	handed_to BIGINT, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_replies PRIMARY KEY (id), 
	CONSTRAINT uq_replies_key UNIQUE ("key")
);
CREATE TABLE requests (
	id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	address TEXT NOT NULL, 
	person_id BIGINT, 
	fields JSON DEFAULT '{}' NOT NULL, 
	lists JSON DEFAULT '[]' NOT NULL, 
	source TEXT NOT NULL, 
	wording TEXT DEFAULT '' NOT NULL, 
	asked_at BIGINT NOT NULL, 
	done_at BIGINT, 
	CONSTRAINT pk_requests PRIMARY KEY (id)
);
CREATE TABLE returned_mails (
	digest TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	delivery_id BIGINT, 
	why TEXT DEFAULT '' NOT NULL, 
	sender TEXT DEFAULT '' NOT NULL, 
	subject TEXT DEFAULT '' NOT NULL, decision TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_returned_mails PRIMARY KEY (digest)
);
CREATE TABLE reviewed_contents (
	digest TEXT NOT NULL, 
	content JSON NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_reviewed_contents PRIMARY KEY (digest)
);
CREATE TABLE reviewers (
	address TEXT NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	added_at BIGINT NOT NULL, 
	CONSTRAINT pk_reviewers PRIMARY KEY (address)
);
CREATE TABLE series (
	slug TEXT NOT NULL, 
	state TEXT NOT NULL, 
	why TEXT DEFAULT '' NOT NULL, 
	rule JSON NOT NULL, 
	file_digest TEXT DEFAULT '' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_series PRIMARY KEY (slug)
);
CREATE TABLE signatures (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	page TEXT NOT NULL, 
	person_id BIGINT, 
	statement_id BIGINT NOT NULL, 
	first_name TEXT DEFAULT '' NOT NULL, 
	last_name TEXT DEFAULT '' NOT NULL, 
	country TEXT DEFAULT '' NOT NULL, 
	postcode TEXT DEFAULT '' NOT NULL, 
	comment TEXT DEFAULT '' NOT NULL, 
	shown BOOLEAN DEFAULT '0' NOT NULL, 
	signed_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	campaign_id BIGINT, 
	delivery_id BIGINT, 
	n INTEGER, 
	source TEXT DEFAULT '' NOT NULL, phone TEXT DEFAULT '' NOT NULL, language TEXT DEFAULT '' NOT NULL, own JSON DEFAULT '{}' NOT NULL, comment_state TEXT DEFAULT '' NOT NULL, thanks TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT fk_signatures_statement_id FOREIGN KEY(statement_id) REFERENCES statements (id), 
	CONSTRAINT uq_signatures_page_person_id UNIQUE (page, person_id)
);
CREATE TABLE staff (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	address TEXT NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	role TEXT NOT NULL, 
	lists JSON, 
	handle BLOB NOT NULL, 
	password TEXT DEFAULT '' NOT NULL, 
	totp BLOB, 
	totp_step BIGINT DEFAULT '0' NOT NULL, 
	sso TEXT, 
	created_at BIGINT NOT NULL, 
	disabled_at BIGINT, 
	CONSTRAINT uq_staff_address UNIQUE (address), 
	CONSTRAINT uq_staff_handle UNIQUE (handle), 
	CONSTRAINT uq_staff_sso UNIQUE (sso)
);
CREATE TABLE staff_challenges (
	token_hash BLOB NOT NULL, 
	data JSON NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_staff_challenges PRIMARY KEY (token_hash)
);
CREATE TABLE staff_links (
	token_hash BLOB NOT NULL, 
	account_id BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_staff_links PRIMARY KEY (token_hash), 
	CONSTRAINT fk_staff_links_account_id FOREIGN KEY(account_id) REFERENCES staff (id) ON DELETE CASCADE
);
CREATE TABLE staff_passkeys (
	credential_id BLOB NOT NULL, 
	account_id BIGINT NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT DEFAULT '0' NOT NULL, 
	label TEXT DEFAULT '' NOT NULL, 
	created_at BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_staff_passkeys PRIMARY KEY (credential_id), 
	CONSTRAINT fk_staff_passkeys_account_id FOREIGN KEY(account_id) REFERENCES staff (id) ON DELETE CASCADE
);
CREATE TABLE staff_recovery_codes (
	account_id BIGINT NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT pk_staff_recovery_codes PRIMARY KEY (account_id, hash), 
	CONSTRAINT fk_staff_recovery_codes_account_id FOREIGN KEY(account_id) REFERENCES staff (id) ON DELETE CASCADE
);
CREATE TABLE staff_sessions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	token_hash BLOB NOT NULL, 
	account_id BIGINT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	network TEXT DEFAULT '' NOT NULL, 
	browser TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT fk_staff_sessions_account_id FOREIGN KEY(account_id) REFERENCES staff (id) ON DELETE CASCADE, 
	CONSTRAINT uq_staff_sessions_token_hash UNIQUE (token_hash)
);
CREATE TABLE statements (
	id INTEGER NOT NULL, 
	page TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_statements PRIMARY KEY (id), 
	CONSTRAINT uq_statements_page_text UNIQUE (page, text)
);
CREATE TABLE subscriptions (
	list_id BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_subscriptions PRIMARY KEY (list_id, person_id), 
	CONSTRAINT fk_subscriptions_list_id FOREIGN KEY(list_id) REFERENCES lists (id), 
	CONSTRAINT fk_subscriptions_person_id FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "subscriptions" VALUES(1,1,'subscribed',1795510800000000);
INSERT INTO "subscriptions" VALUES(1,2,'subscribed',1795510800000000);
INSERT INTO "subscriptions" VALUES(1,3,'unsubscribed',1795510800000000);
INSERT INTO "subscriptions" VALUES(1,7,'pending',1795510800000000);
CREATE TABLE suppressions (
	address_hash BLOB NOT NULL, 
	list_id BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	source TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_suppressions PRIMARY KEY (address_hash, list_id, reason)
)
 WITHOUT ROWID

;
INSERT INTO "suppressions" VALUES(X'00FF00FF00FF00FF00FF00FF00FF00FF',0,'complained',1795510800000000,'x');
CREATE TABLE tags (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	CONSTRAINT pk_tags PRIMARY KEY (id), 
	CONSTRAINT uq_tags_key UNIQUE ("key")
);
CREATE TABLE translated_texts (
	digest TEXT NOT NULL, 
	text TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_translated_texts PRIMARY KEY (digest)
);
CREATE TABLE unsubscribe_presses (
	id INTEGER NOT NULL, 
	delivery_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	how TEXT NOT NULL, 
	agent TEXT DEFAULT '' NOT NULL, 
	network BLOB NOT NULL, 
	decided TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_unsubscribe_presses PRIMARY KEY (id)
);
CREATE TABLE versions (
	newsletter TEXT NOT NULL, 
	file TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_versions PRIMARY KEY (newsletter, file, digest)
);
CREATE TABLE warm_up_days (
	transport TEXT NOT NULL, 
	day TEXT NOT NULL, 
	people INTEGER NOT NULL, 
	CONSTRAINT pk_warm_up_days PRIMARY KEY (transport, day)
);
CREATE TABLE workers (
	id BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	lease_until BIGINT NOT NULL, campaign_id BIGINT, 
	CONSTRAINT pk_workers PRIMARY KEY (id)
);
INSERT INTO "workers" VALUES(4611686018427387903,'host:1',1795510800000000,NULL);
CREATE INDEX ix_events_campaign_id ON events (campaign_id);
CREATE INDEX ix_events_delivery_id ON events (delivery_id);
CREATE INDEX ix_hits_campaign_id_delivery_id ON hits (campaign_id, delivery_id);
CREATE INDEX ix_subscriptions_person_id ON subscriptions (person_id);
CREATE INDEX ix_events_feedback ON events (campaign_id) WHERE kind IN ('bounced', 'complained');
CREATE INDEX ix_conversions_campaign_id ON conversions (campaign_id);
CREATE INDEX ix_provider_events_delivery_id ON provider_events (delivery_id);
CREATE INDEX ix_rate_limits_next_at ON rate_limits (next_at);
CREATE INDEX ix_returned_mails_delivery_id ON returned_mails (delivery_id);
CREATE INDEX ix_signatures_campaign_id ON signatures (campaign_id);
CREATE INDEX ix_signatures_page_signed_at ON signatures (page, signed_at);
CREATE INDEX ix_signatures_person_id ON signatures (person_id);
CREATE INDEX ix_audit_log_address_hash ON audit_log (address_hash);
CREATE INDEX ix_jobs_open ON jobs (kind, due_at, id) WHERE done_at IS NULL;
CREATE INDEX ix_jobs_kind_state_done_at ON jobs (kind, state, done_at);
CREATE INDEX ix_jobs_person_id ON jobs (person_id);
CREATE INDEX ix_requests_address ON requests (address);
CREATE INDEX ix_requests_asked_at ON requests (asked_at);
CREATE INDEX ix_staff_passkeys_account_id ON staff_passkeys (account_id);
CREATE INDEX ix_staff_sessions_account_id ON staff_sessions (account_id);
CREATE INDEX ix_staff_links_account_id ON staff_links (account_id);
CREATE INDEX ix_staff_challenges_expires_at ON staff_challenges (expires_at);
CREATE INDEX ix_audit_log_subject ON audit_log (subject);
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE INDEX ix_drafts_newsletter_file_at ON drafts (newsletter, file, at);
CREATE INDEX ix_drafts_at ON drafts (at);
CREATE INDEX ix_approvals_slug ON approvals (slug);
CREATE INDEX ix_comments_slug ON comments (slug);
CREATE INDEX ix_versions_at ON versions (at);
CREATE INDEX ix_people_tags_tag_id_person_id ON people_tags (tag_id, person_id);
CREATE INDEX ix_unsubscribe_presses_delivery_id ON unsubscribe_presses (delivery_id);
CREATE INDEX ix_unsubscribe_presses_at ON unsubscribe_presses (at);
CREATE INDEX ix_replies_at ON replies (at);
CREATE INDEX ix_replies_campaign_id ON replies (campaign_id);
CREATE INDEX ix_replies_delivery_id ON replies (delivery_id);
CREATE INDEX ix_replies_waiting ON replies (at) WHERE state = 'new';
CREATE INDEX ix_returned_mails_open ON returned_mails (at) WHERE decision = 'open';
CREATE INDEX ix_signatures_to_decide ON signatures (page, changed_at, id) WHERE shown AND comment <> '' AND comment_state IN ('new', 'held');
CREATE INDEX ix_deliveries_person_id ON deliveries (person_id);
CREATE INDEX ix_deliveries_apart ON deliveries (campaign_id, state) WHERE (state NOT IN ('queued', 'sending', 'sent'));
CREATE INDEX ix_deliveries_worker_id ON deliveries (worker_id) WHERE worker_id IS NOT NULL;
CREATE INDEX ix_deliveries_queue ON deliveries (campaign_id, stage, not_before, id) WHERE state = 'queued' AND worker_id IS NULL;
CREATE INDEX ix_campaign_tests_waiting ON campaign_tests (decide_at) WHERE decided_at IS NULL;
CREATE INDEX ix_cohorts_decide_at ON cohorts (decide_at) WHERE decided_at IS NULL;
CREATE INDEX ix_campaigns_recent ON campaigns (finished_at, launched_at, is_urgent);
CREATE INDEX ix_issues_campaign ON issues (campaign);
CREATE INDEX ix_issues_planned ON issues (wake_at) WHERE state = 'planned';
CREATE INDEX ix_data_readings_read_at ON data_readings (read_at);
CREATE INDEX ix_campaign_lookups_table_id ON campaign_lookups (table_id);
CREATE INDEX ix_automations_due_at ON automations (due_at);
CREATE INDEX ix_automation_entries_person_id ON automation_entries (person_id);
CREATE INDEX ix_automation_entries_inside ON automation_entries (version_id, step, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX ix_automation_entries_out ON automation_entries (version_id, state, reason) WHERE due_at IS NULL;
CREATE INDEX ix_consents_person_id ON consents (person_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('people',7);
INSERT INTO "sqlite_sequence" VALUES('jobs',0);
INSERT INTO "sqlite_sequence" VALUES('consents',3);
COMMIT;
