"""The words for states and reasons that the tables hold, each with its meaning."""

from __future__ import annotations

from enum import StrEnum

TOTAL, CHOSEN = "total", "chosen"  # in `campaigns.counts`, beside the reasons why the others were left out


class DeliveryState(StrEnum):
    """The state of one message to one person."""

    QUEUED = "queued"  # not handed over; due when `not_before` has come
    SENDING = "sending"  # the intent is recorded; the message may be on the wire
    SENT = "sent"  # the transport took it
    FAILED = "failed"  # refused for good
    UNCERTAIN = "uncertain"  # it may have arrived; nobody can tell; never resent by itself
    SKIPPED = "skipped"  # not handed over, for the reason beside it: left, suppressed or deleted since the launch
    CANCELLED = "cancelled"  # staff cancelled the campaign before its turn came
    HELD = "held"  # its hour was past before its turn came; staff decide


class JobState(StrEnum):
    """The state of one job of the queue beside the ledger."""

    QUEUED = "queued"  # to be claimed when `due_at` has come
    RUNNING = "running"  # claimed; `due_at` is the end of the lease
    DONE = "done"
    FAILED = "failed"  # refused for good, or given up
    UNCERTAIN = "uncertain"  # it may have been done; nobody can tell; never repeated by itself


class CampaignState(StrEnum):
    """The state of one sending of one message."""

    SCHEDULED = "scheduled"  # the message is frozen; the audience will be when it is due
    SENDING = "sending"  # the audience is frozen; workers may claim
    PAUSED = "paused"  # by staff or by a guard rail; `why` says which
    OVERDUE = "overdue"  # its time came and it was not sent, for the reason in `why`; staff decide
    CANCELLED = "cancelled"
    FINISHED = "finished"  # nothing is queued or on the wire


class CampaignKind(StrEnum):
    """What a sending is part of."""

    NEWSLETTER = ""  # nothing else: a newsletter that is sent once
    ISSUE = "issue"  # of a newsletter that comes again
    STEP = "step"  # of an automation: stays open, and people come to it one by one


class DecisionState(StrEnum):
    """How far a campaign's test is."""

    WAITING = "waiting"  # the versions are on their way; the rest wait for the decision
    DECIDED = "decided"
    OVERDUE = "overdue"  # nobody was there to decide it in time; staff decide
    STOPPED = "stopped"  # every version tripped a guard rail; staff decide


class SeriesState(StrEnum):
    """Whether a newsletter's series makes issues."""

    RUNNING = "running"  # its next issue is planned
    PAUSED = "paused"  # by staff, until they start it again
    STOPPED = "stopped"  # by staff, or since its message says no rule any more
    ENDED = "ended"  # the last day of its rule is past


class IssueState(StrEnum):
    """The state of one issue of a series. What becomes of one that was made is its campaign's to say."""

    PLANNED = "planned"  # to be made when its time comes
    COMPOSED = "composed"  # made and frozen: `campaign` says how it goes on
    SKIPPED = "skipped"  # nothing was new since the issue before
    MISSED = "missed"  # no `mailer run` came within its lateness
    FAILED = "failed"  # something stopped it, said in `why`; nobody was mailed


class AutomationState(StrEnum):
    """The state of an automation that was started; one that never was is a draft."""

    ACTIVE = "active"
    CLOSING = "closing"  # nobody comes in; who is inside goes on to the end
    STOPPED = "stopped"  # everybody is out


class EntryState(StrEnum):
    """How far somebody is in an automation."""

    INSIDE = "inside"
    ENDED = "ended"  # came to the end
    LEFT = "left"  # for the reason beside it


class WhyLeft(StrEnum):
    """Why somebody left an automation before its end; of a mail that was not handed over for it, its reason too."""

    UNSUBSCRIBED = "left the list"
    SUPPRESSED = "may not be mailed"
    FORGOTTEN = "forgotten"
    SIGNED = "signed"  # one of its goals
    REPLIED = "replied"
    STAFF = "taken out by staff"
    STOPPED = "automation stopped"


class Membership(StrEnum):
    """A person's relation to a list."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"  # asked to join, and hasn't pressed the link in the mail
    UNSUBSCRIBED = "unsubscribed"


class CommentState(StrEnum):
    """Whether a signer's comment may be on the page, and what staff decided. Other words begin again."""

    PRIVATE = ""  # its writer did not agree to have it shown, or wasn't asked
    NEW = "new"  # agreed, and nobody has decided: it waits where comments are held, and shows where they show at once
    HELD = "held"  # put back to wait, whatever the page does
    SHOWN = "shown"
    HIDDEN = "hidden"  # for good


class SuppressionReason(StrEnum):
    """Why an address must not be mailed. An import lifts none of them."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"  # refused for good: no such person
    COMPLAINED = "complained"  # reported as spam
    STAFF = "staff"
    INACTIVE = "inactive"  # an automation ended in it, since they showed no interest; lifted as soon as they act


class Verdict(StrEnum):
    """Who probably made a hit, by the rules of `tracking`."""

    HUMAN = "human"
    MACHINE = "machine"
    UNSURE = "unsure"


class Frequency(StrEnum):
    """How often a person wants to be mailed."""

    EVERY = "every"  # each newsletter of their lists
    MONTHLY = "monthly"  # at most one in 30 days, beside urgent ones
    URGENT = "urgent"  # urgent newsletters only


class ZoneSource(StrEnum):
    """Who says which time zone somebody is in, the surest last. The first two are guesses, made when they are asked for
    and not stored."""

    UNKNOWN = ""
    COUNTRY = "country"  # guessed from it
    REGION = "region"  # guessed from a region or postcode
    IMPORT = "import"  # a file, or staff
    OWN = "own"  # the person


class PastHour(StrEnum):
    """What becomes of people where the hour is past already when a newsletter by local time is launched."""

    REFUSE = ""  # it isn't scheduled then
    AT_ONCE = "at-once"
    LEAVE_OUT = "leave-out"


class Feedback(StrEnum):
    """What came back of a mail after the transport took it; a later one in this order overrules an earlier one."""

    NONE = ""
    PROCESSED = "processed"  # the provider has it
    DELIVERED = "delivered"  # the mailbox's server took it
    BOUNCED = "bounced"
    COMPLAINED = "complained"  # reported as spam


class RequestKind(StrEnum):
    """What somebody asked for by a form."""

    JOIN = "join"  # be on lists
    ADDRESS = "address"  # be mailed at another address
    DATA = "data"  # have a copy of everything that is kept about them


class ThanksState(StrEnum):
    """What became of the mail that thanks somebody for a signature."""

    NONE = ""  # there was none to send
    QUEUED = "queued"  # a job will hand it over
    SENT = "sent"  # the transport took it
    FAILED = "failed"  # refused for good, or given up
    UNCERTAIN = "uncertain"  # it may be on its way or have arrived; nobody can tell; never sent again
    HELD = "held"  # not to be mailed: bounced, complained or left, or its mailbox had several mails from us that day


class ReturnedKind(StrEnum):
    """What a mail in the mailbox for bounces turned out to be."""

    BOUNCE = "bounce"
    DELAY = "delay"  # still trying, or delivered: nothing to do
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto-reply"  # out of office …
    REPLY = "reply"  # to the address for replies; the table `replies` has what it says
    UNKNOWN = "unknown"


class ReplyKind(StrEnum):
    """What kind of reply it probably is: told by programs, for staff to sort by, and nothing is done by it."""

    HUMAN = "human"
    REMOVE = "remove"  # "please remove me"
    AUTOMATIC = "automatic"  # out of office …


class ReplyState(StrEnum):
    """What staff did with a reply."""

    NEW = "new"  # it waits for somebody
    ANSWERED = "answered"
    DONE = "done"  # read, and nothing more to do


class MailDecision(StrEnum):
    """What staff decided about a mail in the mailbox for bounces that the program can't be sure of."""

    NONE = ""  # nothing to decide
    OPEN = "open"
    GONE = "gone"  # it says that nobody lives there any more
    AWAY = "away"  # it says that the mailbox is full, or can't be reached for now
    NOTHING = "nothing"  # nothing follows from it


class PressDecision(StrEnum):
    """What staff decided about a burst of unsubscribes that a press was part of."""

    NONE = ""
    UNDONE = "undone"  # a scanner pressed
    PEOPLE = "people"  # people did, so it holds


class ReviewStep(StrEnum):
    """What somebody did about the approval of a newsletter."""

    ASKED = "asked"  # for approval
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"  # took their own approval back


class CohortState(StrEnum):
    """A group that a newsletter goes down its list to."""

    WAITING = "waiting"  # for its sample, or for what the sample does
    OPEN = "open"  # its others may be mailed
    HELD = "held"  # its sample did too little, or complained; staff decide
