# The console's words in English: the complete catalogue, and the one that stands in for what another language lacks.
# Sentence case; the button says the verb; one word per thing, as in the glossary.

app = Amethyst
close = Close
cancel = Cancel
save = Save
undo = Undo
add = Add
copy = Copy
copied = Copied
try-again = Try again
loading = Loading …
more = Load more
none = none
notices = Notices
language = Language
theme = Theme
theme-system = As the system
theme-light = Light
theme-dark = Dark

## Failures: what happened, what it means for the recordings, what to do

problem-do = What to do:
problem-silent = The server does not answer
problem-silent-meaning = This page cannot tell whether calls are being recorded now. Recording does not depend on this page.
problem-silent-remedy = Check the network of this computer. If others cannot reach the server either, tell the administrator at once.
problem-400 = The server did not accept this
problem-400-meaning = Nothing was changed, and recording goes on.
problem-400-remedy = Check what was typed and try again.
problem-401 = You are not signed in
problem-401-meaning = Recording goes on; it needs nobody to be signed in.
problem-401-remedy = Sign in again.
problem-403 = You may not do this
problem-403-meaning = Nothing was changed, and recording goes on. The refusal stands in the audit log.
problem-403-remedy = Ask an administrator, if it belongs to your work.
problem-404 = Not found
problem-404-meaning = It does not exist, or you may not see it.
problem-404-remedy = Search for it, or ask an administrator about the scope of your account.
problem-409 = Somebody else changed this meanwhile
problem-409-meaning = Nothing of yours was saved, and nothing of theirs was lost.
problem-409-remedy = Load it again and make your change once more.
problem-412 = Somebody else changed this meanwhile
problem-412-meaning = Nothing of yours was saved, and nothing of theirs was lost.
problem-412-remedy = Load it again and make your change once more.
problem-413 = That is too large
problem-413-meaning = Nothing was changed, and recording goes on.
problem-413-remedy = Ask for less at once.
problem-422 = The server did not accept this
problem-422-meaning = Nothing was changed, and recording goes on.
problem-422-remedy = Change the value and try again.
problem-429 = Too many attempts
problem-429-meaning = The server slows down whoever tries too often. Recording goes on.
problem-429-remedy = Wait a minute, then try again.
problem-500 = The server failed
problem-500-meaning = What you asked for was not done. Recording runs apart from this and goes on, unless the live page says otherwise.
problem-500-remedy = Try again; if it stays, give the administrator the time of day and this text.
problem-503 = The server cannot do this now
problem-503-meaning = Nothing left the server. Recording comes first and goes on.
problem-503-remedy = Try again in a minute; if it stays, tell the administrator.
problem-console = The console failed
problem-console-meaning = This is a fault of the page; recordings are not touched by it.
problem-console-remedy = Load the page again; if it stays, report the text above.

## Sign-in

sign-in = Sign in
sign-in-name = Name
sign-in-password = Password
sign-in-do = Sign in
sign-in-forgotten = Forgotten the password? An administrator can give you a one-time link.
sign-in-set-password = Choose your password
sign-in-second = Second factor
sign-in-enrol = Set up the second factor
sign-in-welcome = Welcome, { $name }. This link worked once; from now on you sign in with your name and this password.
sign-in-link-checking = Checking the one-time link …
sign-in-link-failed = This link was not accepted.
sign-in-with-password = Sign in with a password
sign-in-afresh = Start again
sign-in-ended = Your session has ended. Recording goes on. Sign in to go on where you were.
sign-in-ended-idle = You were signed out because nothing was done for a while. Recording goes on. Sign in to go on where you were.
sign-in-watched = Searching, listening and changes are written to the audit log.
password-new = New password
password-again = The same once more
password-hint = At least 12 characters. A few words in a row are good and easy to remember.
password-mismatch = The two are not the same yet.
password-set = Set password
totp-enrol = Scan this picture with an authenticator app, then type the six digits that it shows.
totp-qr = QR code for the authenticator app; the same key is written below
totp-secret = Or type this key into the app
totp-ask = Type the six digits that your authenticator app shows now.
totp-code = Six digits
totp-confirm = Confirm

## The frame

nav = Pages
nav-recordings = Recordings
nav-live = Live
nav-ledger = Ledger
nav-audit = Audit
nav-archive = Archive
nav-keeping = Keeping
nav-satellites = Satellites
nav-settings = Settings
nav-account = Your account
nav-about = About this server
nav-start = First steps
nav-sign-in = Sign in
sign-out = Sign out
skip = Skip to the page
demo = demo
zone-title = Time of the site
page-unknown = The console has no such page. It has { $pages } others.
role-administrator = Administrator
role-supervisor = Supervisor
role-auditor = Auditor
role-agent = Agent
refresh = Refresh
times-in = Times in { $zone }
reset = Reset
revert = Discard changes
saved = Saved
any = any
unknown = unknown
to = to
state = State
when = Time
reason = Reason
details = Details
entries = Entries
address = Address

## Keys

keys = Keys
keys-on = Single keys act
keys-everywhere = Everywhere
keys-list = In the list
keys-player = In the player
key-help = show or hide this
key-search = search
key-recordings = Recordings
key-live = Live
key-ledger = Ledger
key-audit = Audit
key-archive = Archive
key-keeping = Keeping
key-satellites = Satellites
key-settings = Settings
key-close = close
key-move = move
key-open = open and play
key-select = select for export
key-extend = select more
key-play = play or pause
key-five = 5 s back or on
key-one = 1 s back or on
key-ten = 10 s back or on
key-bookmark = bookmark here
key-loop-from = loop begins here
key-loop-to = loop ends here
key-loop-off = no loop
key-speed = slower or faster
key-skip = skip silence
key-zoom = zoom the waveform
key-bookmarks = next or previous bookmark

## Searching

search = Search recordings
search-do = Search
search-hint = Number, name, reference, “yesterday 14:00” …
searching = Searching …
search-clear = Clear the search
understood = Understood:
asked-between = { $since } to { $until }
asked-since = from { $since }
asked-until = before { $until }
asked-words = words
asked-reference = reference
asked-number = number with
asked-extension = extension
asked-name = name
asked-tag = tag
asked-subject = subject
asked-comment = comment
asked-tap = tap
filters = Filters
filters-clear = Clear filters
direction = Direction
direction-in = incoming
direction-out = outgoing
direction-internal = internal
direction-unknown = unknown
side = Side
side-trunk = trunk
side-extension = extension
side-trunk-long = trunk: lines into the exchange
side-extension-long = extension: behind the exchange
method = Method
method-voip = VoIP
method-isdn = ISDN
method-analogue = analogue
method-digital = digital
method-radio = radio
longer = Longer than
shorter = Shorter than
tag = Tag
tap = Tap
taps = Taps
has-gap = has a gap
held = held
length-unknown = A length looks like 30s, 5m or { $example }.
found = { $count ->
    [0] No recordings
    [one] 1 recording
   *[other] { $count } recordings
}
found-more = More than { $count } recordings
empty-site = No recordings yet
empty-site-do = As soon as a call is recorded, it stands here. If calls should be there already, look at the live page: it shows whether the taps hear anything.
empty-search = Nothing found
empty-search-do = Check the date, leave out a word, or take away a filter. You only find what your account may see.
col-select = Selected
col-start = Start
col-length = Length
col-direction = Direction
col-from = From
col-to = To
col-tap = Tap
col-marks = Marks
col-reference = Reference
col-number = No.
newest-first = Show the newest first
oldest-first = Show the oldest first
select-row = Select for export
is-selected = selected
not-selected = not selected
selection = Selection
selected = { $count ->
    [one] 1 selected
   *[other] { $count } selected
}
selection-clear = Clear selection
format = Format
export-zip = Export as ZIP
export-working = The export is being made
export-done = Exported { $count } ({ $size }). Check it with: amethyst verify FILE.zip
gap = gap
gap-length = { $length } are missing
heard-one-way = one-way
heard-one-way-long = One side sent no sound for long while the other did.
heard-silent = silent
heard-silent-long = Nothing but digital silence came from both sides.
integrity-sealed = sealed, unchanged
integrity-recovered = recovered after a crash
integrity-damaged = damaged
integrity-damaged-do = The seal of this recording does not match in places. What is played is only what verifies. Tell the administrator and keep the copy of the archive.

## Player

player = Player
play = Play
pause = Pause
position = Position
position-of = { $at } of { $length }
back-ten = 10 seconds back
on-ten = 10 seconds on
speed = Speed
speed-now = { $speed } times
skip-silence = Skip silence
loop = Loop
loop-to = Loop ends here
bookmark = Bookmark
bookmark-set = Bookmark at { $at }
mix = Volume
volume = Volume
balance = Balance
balance-now = { NUMBER($of, maximumFractionDigits: 1) } of 1 to the right
both-ears = both on both ears
link-moment = Copy a link to this moment
link-copied = Link to { $at } copied
link-in-address = The address of this page now leads to this moment
download = Download
zoom-in = Zoom in
zoom-out = Zoom out
player-close = Close the recording
player-fetched = Fetched from { $name }
player-fetched-archive = Fetched from the archive
player-failed = The sound could not be loaded.
player-failed-do = The recording itself is not touched by this. Try again; if it stays, look at its integrity in the details.
player-unplayable = This recording has no sound that can be played here.
peaks-failed = No waveform; playing works without it
leg-near = near
leg-far = far
role-leg-near = near
role-leg-far = far
role-leg-joint = both
role-leg-radio = radio
role-leg-unknown = unknown

## Gaps

gaps = Gaps
gaps-none = Nothing is missing.
gaps-quiet = For { $length } a party sent no sound (silence suppression or hold). Nothing of that is missing.
cause-none = step by the sender
cause-lost-in-network = lost in the network
cause-lost-by-recorder = lost by the recorder
cause-paused = paused or masked
cause-silence-suppressed = sender was silent
cause-undecodable = could not be decoded

## Details

other-party = Also
codecs = Codecs
linked = Linked calls
orphan = without signalling
notes = Notes and bookmarks
notes-none = None yet. Press b while it plays.
note = Note
note-new = New note
note-added = Note added
note-changed = Note changed
note-removed = Note removed
note-edited = edited
note-edit = Edit the note “{ $text }”
note-remove = Remove the note “{ $text }”
tags = Tags
tag-new = New tag
tag-added = Tag “{ $tag }” added
tag-removed = Tag “{ $tag }” removed
tag-remove = Remove the tag { $tag }
subject = Subject
comment = Comment
external-reference = External reference
label-saved = Saved
hold = Legal hold
hold-none = Not held.
hold-do = Hold
hold-release = Release the hold
hold-reason = Reason
hold-by = Held by
hold-review = Review on
hold-set = Held. It cannot be purged while the hold lasts.
hold-released = The hold is released
proof = Proof and origin
ledger-no = Ledger number
end-reason = Ended by
call-ids = Call identifiers
recording-id = Identifier
samples = { $count } samples
part = Part

## How calls ended

end-recorded = recorded
end-partly = partly recorded
end-not-recorded = not recorded
end-open = not ended yet
why-start-missed = it was under way when first seen
why-end-unknown = its end was not seen
why-one-direction = one direction never arrived: fault of the mirror
why-recorder-loss = the recorder lost samples
why-encrypted-media = encrypted, and there is no key
why-encrypted-signalling = its signalling was encrypted
why-fax-t38 = it turned to fax
why-cti-lost = the CTI link was down
why-source-restart = the source restarted
why-crash = the recorder stopped unexpectedly
why-disk-full = the disk was full
why-clock-doubt = times of day in doubt: the clock stepped or was wrong
why-masked-to-end = masked to its end
why-rule = left out by a rule
why-source-down = the source was down
why-no-media = no media came
why-unsupported-signalling = its signalling is not understood
why-limit = a limit was reached
why-unanswered = never answered

## Live

state-recording = recording
state-ringing = ringing
state-paused = paused
state-fault = fault
state-idle = idle
tap-up = hears traffic
tap-down = down
tap-idle = silent
packets = { $count } packets a second
notice-observed = { $why }
notice-observed-satellite = { $why }
canary = Canary
canary-ok = whole, { $when }
canary-failed = failed, { $when }: { $why }
canary-none = none yet
canary-ok-at = Canary recorded whole, { $when }
canary-failed-at = Canary failed, { $when }: { $why }
drops = { $count ->
    [one] 1 packet lost by the kernel
   *[other] { $count } packets lost by the kernel
}
lines = Lines
level-near = Level of the near party
level-far = Level of the far party
idle-too = Show idle lines ({ $count })
live-lost = No news from the server.
live-lost-since = The board is from { $at }.
live-lost-do = This page cannot tell what is being recorded now. It tries again by itself; if it stays, tell the administrator at once.
live-empty = No calls now
live-empty-do = As soon as a phone rings, its line stands here. Nothing needs to be started.
taps-none = No tap is set up: nothing is recorded.
taps-none-do = Choose a source
listen = Listen
listen-stop = Stop listening
listening = Listening
hearing-connecting = Connecting …
hearing-buffering = The sound is coming …
hearing-playing = You hear the call as it goes on.
hearing-ended = The call has ended.
hearing-failed = The sound broke off. The call is recorded all the same.
behind = { $seconds } s held back
mark = Mark this moment
mark-kept = Marked { $at }. The server could not take it yet; it is tried again while you stay signed in.
live-marked = Marked while live
open-recording = Open the recording

## Ledger

ledger-what = Every signalled call is accounted for.
ledger-all = All calls
ledger-exceptions = Exceptions
ledger-end = End
ledger-balanced = The account balances: every signalled call is accounted for.
ledger-unbalanced = The account does not balance: { $signalled } signalled, { $accounted } accounted for. Tell the administrator now.
ledger-clean = No exceptions. Every call of this day was recorded whole.
ledger-empty = No call was signalled on this day.
sum-signalled = signalled
account = Account of the day
day = Day
day-before = The day before
day-after = The day after
today = Today

## Audit

audit-check = Check the chain
audit-checking = Checking the chain
audit-whole = The chain is whole: { $count } entries checked, none changed or taken out. Head:
audit-broken = The chain is broken after { $count } entries. Somebody changed the log. Head:
audit-empty = No entry matches.
when-hint = today, last week, 22 nov …
when-unknown = Not understood; everything is shown.
actor = Who
act = What
object = On what
outcome = Outcome
outcome-ok = done
outcome-refused = refused
outcome-failed = failed
act-sign-in = signed in
act-sign-in-refused = sign-in refused
act-sign-out = signed out
act-search = searched
act-open = opened
act-play = played
act-listen-live = listened live
act-export = exported
act-label = labelled
act-hold = held
act-release = released
act-settings-change = changed settings
act-session-revoke = ended a session
act-refused = refused
rule-number = rule { $number }
totp-rule = Second factor for administrators
totp-rule-required = required
totp-rule-optional = optional, for demonstrations only
act-user-make = added a user
act-user-change = changed a user
act-user-link = made a one-time link
act-user-password = set a password
act-user-shut = disabled a user
act-user-totp = set up a second factor
act-user-totp-removed = removed a second factor
act-user-unlock = unlocked a user
act-test-call = placed the test call
act-daily-login = gave out the login of the day
act-policy-propose = proposed a change of what is kept
act-policy-confirm = confirmed a change of what is kept
act-policy-cancel = cancelled a change of what is kept
act-hold-order-place = placed a hold
act-hold-order-change = changed a hold
act-hold-order-release = released a hold
act-shred = destroyed
act-shred-order = ordered a destruction
act-shred-confirm = confirmed a destruction
act-shred-cancel = cancelled a destruction
act-retention-blocked = a hold kept it from being destroyed

## Settings

settings-site = Site
settings-users = Users
settings-sources = Sources
settings-rules = Rules
settings-groups = Groups
settings-recording = Recording
settings-saved = Saved. It is in force already; calls in progress went on.
settings-unsaved = Not saved yet
site = Site
site-name = Name of the site
internal-numbers = Your own numbers
internal-numbers-what = Patterns, * is one character. They tell incoming calls from outgoing ones.
idle-minutes = Minutes without activity until sign-out
idle-minutes-what = Listening counts as activity.
pattern-range = “{ $pattern }” is no range: both ends need the same number of digits, the smaller first.
pattern-characters = “{ $pattern }” holds a character that no extension has.
sources-what = A tap is where we listen. Changes take effect at once and lose nothing of calls in progress.
tap-name = Name of the tap
tap-name-hint = such as: main trunk
tap-new = New tap
tap-add = Add a tap
tap-remove = Remove the tap { $tap }
tap-needs = Each tap needs a name and an interface.
tap-twice = Two taps have the same name.
interface = Interface
interfaces = Interfaces of this server
interface-up = up
interface-down = down
interface-gone = not there
interfaces-none = This server shows no network interface. Check that it may capture (CAP_NET_RAW).
packets-heard = Packets heard
packets-seen = { $count } packets heard
rules-what = The more exact pattern wins: extension over range over wildcard. When both are equally exact, exclude wins. What a rule leaves out stands in the ledger.
rules-include = Record only these
rules-include-what = Empty means all extensions.
rules-exclude = Never record these
rules-exclude-what = Separate by commas: 200, 3***, 3111-3118
groups-what = A group is a name for extensions. Users can be limited to groups.
groups-none = No groups yet.
group-new = New group
group-remove = Remove the group { $group }
preroll = Seconds kept in memory before the start is known
idle-end = Seconds without media until a call counts as ended
calls-max = Calls followed at once
queue-mib = MiB of audio that may wait for a slow disk
orphans = Record media that nobody signalled
mask-digits = Keep dialled digits out of recordings
recording-what = Digits heard as tones in the sound stay there.

## Users

user-name = Name
user-name-what = For signing in; without spaces.
user-display = Shown as
user-add = Add a user
user-add-link = Add and make a one-time link
user-active = active
user-invited = has not set a password
user-locked = locked
user-disabled = disabled
user-totp = second factor
user-access = Access
user-unlock = Unlock
user-unlocked = Unlocked
user-disable = Disable
user-disabled-done = { $name } can no longer sign in
user-enable = Enable
user-enabled = Enabled
role = Role
role-administrator-what = Everything: users, settings, all recordings in scope.
role-supervisor-what = Finds, hears, labels, exports and holds; listens live.
role-auditor-what = Finds, hears, exports; reads ledger and audit log.
role-agent-what = Finds and hears own calls only; needs an extension.
agent-needs = An agent needs at least one extension.
scope = May see
scope-all = everything
scope-what = Empty means everything. What lies outside looks as if it did not exist.
extensions = Extensions
extensions-what = Extensions, ranges, wildcards
days-back = Days back
days-back-what = Empty means without limit.
days-back-short = { $days } days back
link-make = Make a one-time link
link-for = One-time link for { $name }
link-once = Give this link to the person over a channel you trust. It works once and is shown only now.
link-one-time = One-time link
link-until = It works until { $until } ({ $zone }).
link-done = Done, hide it
totp-drop = Remove the second factor
totp-drop-confirm = The person must set it up anew. Type { $name } to confirm:
totp-dropped = Second factor removed
sessions = Sessions
sessions-what = Where you are signed in. End what you do not know.
sessions-none = No sessions.
sessions-ended = All sessions ended
sessions-end-all = End all sessions
session-program = Program
session-since = Since
session-seen = Last seen
session-this = this one
session-end = End
session-ended = Session ended
password-change = Change the password
password-old = Old password
password-changed = Password changed

## About and first steps

zone = Time zone
version = Version
fingerprint = Fingerprint of the certificate
fingerprint-what = Compare it with what the server printed when it started. If they differ, somebody stands between you and the server: sign out and tell the administrator.
privacy = What this page keeps
privacy-what = Nothing of a recording: sound is never stored by the browser, and is let go when you sign out. Language, theme and the like are kept.
licence = Amethyst is free software under MIT or Apache-2.0.
start-what = Three steps until you hear a recorded call. You can leave at any time and come back from the menu under your name.
start-signed-in = Signed in
start-signed-in-done = You are { $name }, with a password of your own.
start-source = Choose where to listen
start-source-what = Choose the interface that the mirror port of your switch leads to. A good sign: packets are heard there.
start-source-there = A source is set up.
start-source-do = Listen here
start-source-done = The source is set up and listens
start-call = Record a test call
start-call-what = The server places a short call through the whole recorder: packets, sealing, catalogue. If you can hear it, the whole way works.
start-call-do = Place the test call
start-call-again = Place another test call
start-call-working = The call is being placed and recorded
start-call-done = The test call was recorded and sealed.
start-call-play = Hear it
start-call-none = The test call was placed, but no recording came of it. Look at the ledger: it says why. Until that is solved, do not rely on recording.
start-finish = Go to the recordings
start-later = Later: go to the recordings

## Archive: whether what was recorded is safe, and where

archive-what = Proven copies of all recordings, on drives and shares of your own
archive-verdict = Whether recordings are safe
archive-is-none = Recordings lie on this server only. Add a place for a copy.
archive-is-safe-all = Everything recorded so far is safe in { $places ->
    [one] one place
   *[other] { $places } places
  }.
archive-is-safe-until = Everything recorded until { $when } is safe in { $places ->
    [one] one place
   *[other] { $places } places
  }.
archive-is-running = Being archived to { $name } now.
archive-is-no-copy = { $files ->
    [one] One file of a recording has no copy yet
   *[other] { $files } files of recordings have no copy yet
  }: { $why }.
archive-is-missing = { $files ->
    [0] { $name } is not up to date
    [one] One file of a recording is missing in { $name }
   *[other] { $files } files of recordings are missing in { $name }
  }: { $why }.
archive-why-away = { $name } is not connected
archive-why-away-since = { $name } is not connected since { $when }
archive-why-suspect = what { $name } gave back was not what was written there
archive-why-waits = a run waits for another one
archive-why-failed = the last run on { $name } failed
archive-why-first = the first run begins { $when }
archive-why-unfinished = the last run on { $name } did not come to its end
archive-why-missed = { $name } was not archived to since the last evening
archive-since = { $files ->
    [0] Nothing was recorded since then.
    [one] One file since then follows in the next run.
   *[other] { $files } files since then follow in the next run.
  }
archive-next = The next run begins { $when } ({ $zone }).
archive-continuous = New recordings follow soon after they end.
when-today = today { $time }
when-yesterday = yesterday { $time }
when-tomorrow = tomorrow { $time }
when-weekday = { $day } { $time }
when-date = { $day } { $time }
archive-step-check = Looking whether the medium is the right one
archive-step-plan = Counting what is due
archive-step-carry = Copying, and reading every file back
archive-step-describe = Writing lists, log and keys
archive-step-backup = Writing the backup, and trying it
archive-step-prove = Signing the report
archive-progress = Progress of the run on { $name }
archive-carried = { $files } of { $due } files
archive-left = about { $time } left
archive-stopping = ending early
archive-run = Archive now
archive-run-asked = A run on { $name } was asked for.
archive-stop = Stop
archive-stop-asked = The run ends; what it carried is proven first.
archive-runs = Last runs
archive-begun = Begun
archive-outcome = Outcome
archive-files = Proven
archive-message = Message
archive-outcome-running = goes on
archive-outcome-complete = complete
archive-outcome-holes = files missing
archive-outcome-early = ended early
archive-outcome-cut = cut off
location-safe = safe
location-running = being archived
location-behind = behind
location-is-running = archiving
location-is-waiting = waits for another run
location-is-suspect = suspect medium
location-is-unknown = being looked at
location-is-connected = connected
location-is-away = not connected
location-why = Not connected: { $why }.
location-kind = Kind
location-kind-usb = USB drive
location-kind-folder = Folder on another disk
location-kind-nfs = NFS share
location-kind-smb = Windows share
location-kind-s3 = Object store
location-what-usb = A drive that is carried away and brought back. Mount it first; give its mount point.
location-what-folder = A second disk of this server. Never the disk of the recordings: it must survive its loss.
location-what-nfs = Mount the share first, as nfs4 and hard; give a folder in it.
location-what-smb = Mount the share first, as cifs with vers=3.1.1; give a folder in it.
location-what-s3 = A bucket at Amazon or in a store of your own that speaks S3 (MinIO, Ceph, Wasabi). Nothing is mounted.
location-add-bucket = Make the bucket and an access key for it first. The key must be able to list, read and put; it need not be able to delete. Recordings are sealed before they leave this server.
bucket-endpoint = Address of the store
bucket-endpoint-what = Empty: Amazon, in the region below.
bucket-region = Region
bucket-region-what = As the store calls it; stores of your own often take us-east-1.
bucket-name = Bucket
bucket-name-what = Its name alone, without s3:// and strokes.
bucket-folder = Folder in the bucket
bucket-folder-what = Empty: the bucket itself. Two sites never share a folder.
bucket-key = Access key
bucket-secret = Secret key
bucket-secret-what = It is locked away in the site and never shown again. A new one is given by amethyst location credentials.
bucket-more = Deletion lock and certificate
bucket-lock = Days during which nothing can be deleted
bucket-lock-what = 0: no lock. Only if the bucket was made with object lock. The store keeps and bills everything for so long.
bucket-ca = Certificate to trust
bucket-ca-what = PEM, for a store of your own. Empty: those that this server trusts.
location-add = Add a place
location-add-what = Connect and mount it on the server first. A folder AMETHYST is made in it, and nothing else there is touched.
location-add-do = Add and prepare
location-adding = Preparing …
location-added = { $name } is ready. The first run brings everything that was recorded so far.
location-name = Name
location-name-what = As people call it: Drive A, NAS in the cellar.
location-path = Path on the server
location-path-what = The whole path, from the stroke on.
media-set = Drives that take turns
media-set-one = None: one medium stays
media-set-any = Several; one copy among them is enough
media-set-all = Several; each must have a copy
media-set-what = Decides when a recording may leave the live store.
location-due = Due
location-due-none = nothing: everything recorded is proven here
location-due-files = { $files ->
    [one] one file
   *[other] { $files } files
  } ({ $size })
location-proven = Last proven
location-never = never yet
location-seen = last connected { $when }
location-space = Space
location-free = { $free } of { $total } free
location-test = Test connection
location-testing = Looking …
location-tested = { $name } is there, with its right medium; { $free } of { $total } are free.
location-tested-away = { $name } cannot be used: { $why }.
forecast = Forecast
forecast-full = full on { $day }, at { $daily } a day
forecast-long = lasts more than ten years, at { $daily } a day
forecast-unknown = after some days of archiving
medium = Medium
medium-unlabelled = without a label
medium-lies = lies in: { $place }
medium-label = Label
medium-label-on = Written on the medium
medium-lies-in = Where it lies
medium-lies-example = safe in the manager's office
medium-new = New medium
medium-prepare = Prepare
medium-prepare-what = Connect the new medium at { $path } first. Keep the old one: its proofs stay there.
medium-prepared = { $name } has a medium that is ready.
medium-suspect-what = Something on this medium was not as it should be. Nothing leaves the live store because of it. Use another medium, or verify this one.

## The archive: what somebody should know

notices-archive = What needs attention
notice-urgent = Urgent notice
notice-bell = { $urgent ->
    [0] { $count } notices about the archive
   *[other] { $count } notices about the archive, { $urgent } urgent
  }
notice-more = Look
notice-seen = Seen
notice-seen-of = Seen: { $name }
notice-seen-by = seen by { $name }
notice-since = since { $when }
notice-is-urgent = urgent
notice-is-warning = warning
notice-is-told = for your information
notice-no-place = Recordings lie on this server only: no place is set up for a copy.
notice-away = { $name } is not connected: { $why }. It was last there at { $when }. Medium: { $medium }.
notice-unseen = { $name } was not connected for two nights ({ $why }; last there: { $when }). What was recorded since has no copy there, and nothing leaves this server. Connect { $medium }.
notice-other-medium = { $name }: another medium is there: { $why }. Nothing is written to it.
notice-copied = { $name }: a copy of the medium is there, or an old state of it: { $why }. Nothing is written to it.
notice-read-only = { $name } cannot be written: { $why }. Mount it for writing, or look at the drive: a failing one is often made read-only by the system.
notice-suspect = { $name }: something on { $medium } was not as it should be. Nothing is archived to it, and nothing leaves this server because of it. Verify it; then an administrator may trust it again, or use another medium.
notice-lost = { $name }: { $count } files there are bad, and no good copy of them is known: they left this server, and no other medium is proven to hold them. Remove nothing. Connect every medium that may have them; each run looks for them.
notice-behind = { $name } lacks { $count } files ({ $size }) that should have been there since the last evening{ $set ->
    [yes] {""}; everything until { $when } is there.
   *[other] .
  }
notice-failed = { $name }: the last run failed, and somebody must do something: { $why }
notice-holes = { $name }: { $count } files could not be copied, or were found bad there; each run tries them again. Have the system administrator check this server's disk.
notice-stopped = { $name }: { $why } ended the run at { $when }; { $count } files are due. It goes on in the evening, or when you ask for it.
notice-clock-back = { $name }: this server's clock stands before the last run of { $when }. Nothing is archived by itself until it is right again.
notice-fills = { $name }: { $medium } has room for { $count ->
    [0] less than a day
    [one] one more day
   *[other] { $count } more days
  }, until { $day }. Have another medium ready.
notice-nearly-full = { $name }: { $medium } is full to { $count } % ({ $size } left). Have another medium ready.
notice-night-too-short = { $name } is too slow: what is recorded takes { $count } hours at { $size }/s, and the next evening comes sooner. Use a faster medium, or archive all the time.
notice-cached = { $name }: what was read back may have come from a cache, so it is no proof, and nothing there may leave this server. Have the share mounted without a cache (cifs: cache=none), then verify it.
notice-lowered = { $name }: after a restore nothing on { $medium } counts as proven until it was read again. Verify it.
notice-drill-overdue = { $name }: for more than a month no recording was fetched back and opened ({ $set ->
    [yes] last { $when }
   *[other] never yet
  }). Connect it: the drill begins by itself.
notice-drill-wrong = { $name }: at the drill of { $when } a recording did not come back as it was sealed. Verify the medium.
notice-logins-short = { $name }: daily logins lie there for { $count } more days only, until { $day }. Runs by night make more; look why they did not.
notice-retention-near = { $name }: a recording that it lacks reaches the end of its retention at { $when }; { $count } files are due there.
notice-no-room = This server's disk is full to { $count } % and nothing may leave it ({ $why }). Connect the archive, or have the disk enlarged; nothing is removed that is not proven elsewhere.
notice-hold-review = Since { $day } somebody should ask whether the legal hold of { $name } is still needed. Until it is released nothing of it goes.
notice-policy-waits = { $set ->
    [yes] Less will be kept from { $when } on, as { $name } proposed ({ $count } recordings): any administrator may cancel it.
   *[other] { $name } proposes to keep less ({ $count } recordings): another administrator must confirm it, or cancel it.
  }
archive-why-cached = what { $name } gave back may have come from a cache, which proves nothing
archive-why-lowered = nothing on { $name } counts until it is verified, after the restore
archive-why-stopped = the run on { $name } was ended by a person
archive-stopped = { $name } ended the run. It goes on in the evening, or when you ask for it.
archive-report = Report
days = The last sixty days
days-all = proven in every place
days-some = proven in some
days-no = no copy yet
days-empty = nothing recorded
days-purged = partly only in the archive
day-all = { $day }: { $files ->
    [one] one file, proven
   *[other] all { $files } files are proven
  } in { $places ->
    [one] the one place.
   *[other] all { $places } places.
  }
day-some = { $day }: { $files } files; { $lacking } of them are not proven in every place yet.
day-no = { $day }: { $files ->
    [one] one file has no copy yet.
   *[other] { $files } files have no copy yet.
  }
day-empty = { $day }: nothing was recorded.
day-purged = { $files ->
    [one] One of them lies in the archive only.
   *[other] { $files } of them lie in the archive only.
  }
check-verify = Verify all of it
check-drill = Drill now
check-verified = Verified
check-drilled = Last drill
check-asked-verify = Everything on { $name } is read again. Recording and listening go on meanwhile.
check-asked-drill = Some recordings are fetched from { $name }, opened and held against the log.
check-goes-verify = Reading everything again
check-goes-drill = Fetching and opening some recordings
check-since = begun { $when }
check-stop-asked = It ends; nothing was changed.
check-was-well = { $when }: all well, { $files } recordings, { $size }
check-was-wrong = { $when }: not all was as it should be
check-drill-well = { $when }: { $files } recordings came back as they were sealed
check-findings = What was wrong ({ $count })
logins = Daily logins
logins-until = for { $days ->
    [one] one day
   *[other] { $days } days
  }, until { $day }
medium-seed = Bring to it
medium-seed-full = Everything.
medium-seed-what-full = From this server, and what has left it from another place.
medium-seed-from_now = From now on.
medium-seed-what-from_now = What was recorded before stays on the media before it only: keep those for as long as the recordings must be kept.
medium-proof-cached = What was read back from this medium may have come from a cache, so it is no proof: nothing on it may leave this server. Have it mounted without a cache, then verify it.
medium-proof-lowered = After the restore nothing on this medium counts as proven until it was verified.
medium-trust = Trust this medium again
medium-mends = The verification found bad files and nothing else wrong. If you trust the medium again, the next run brings good copies and keeps the bad files aside. A drive that damages files is better replaced.
medium-trusted = { $name } is archived to again.
removal = Take out of use
removal-what = Recordings could then leave this server with a copy less than today: { $count } recordings. Another administrator must confirm it, all are told, and it takes effect 14 days later; until then anybody may cancel it. What lies on the medium stays there.
removal-at-once = Nothing was ever proven on { $name }: it goes at once.
removal-type = Type { $name } to go on
removal-do = Take out of use
removal-propose = Propose it
removal-gone = { $name } is out of use.
removal-asked = It is proposed that { $name } goes. Another administrator must confirm it.
removal-waits = { $name } proposes to take this place out of use ({ $count } recordings would need a copy less). Another administrator must confirm it.
removal-effective = This place goes out of use { $when }, as { $name } proposed.
removal-confirm = Confirm that it goes
removal-confirmed = { $name } goes out of use in 14 days.
removal-cancel = Keep this place
removal-cancelled = { $name } stays.

# Keeping
keeping-what = How long calls are kept, what is held, and what was destroyed.
keep-classes = How long calls are kept
keep-add = Add a class
keep-name = Class
keep-rule = Rule
keep-acts = Change
keep-edit = Change
keep-edit-named = Change { $name }
keep-remove = Remove
keep-remove-named = Propose to remove { $name }
keep-longest = A call of several classes is kept as long as the longest of them says. One of no class, or with nobody of the site, is kept as long as the longest of all says.
keep-for-ever = No class is set: every call is kept for ever.
keep-sentence = { $which }: { $least }, { $most }.
keep-least = at least { $length }
keep-least-none = no least time
keep-most = destroyed after { $length }
keep-most-never = never destroyed
keep-years = { $n ->
    [one] 1 year
   *[other] { $n } years
  }
keep-days = { $n ->
    [one] 1 day
   *[other] { $n } days
  }
keep-min = Least, in days
keep-min-what = Nobody may destroy a call earlier, but by order of two administrators.
keep-max = Most, in days
keep-max-what = To be destroyed then. Empty: never.
keep-preview = See what it would do
keep-propose = Propose the change
keep-would = { $more ->
    [yes] It would let at least { $affected } recordings go that are kept today; { $held } of them are held and stay.
   *[no] { $affected ->
      [0] It lets no recording go that is kept today.
     *[other] It would let { $affected } recordings go that are kept today; { $held } of them are held and stay.
    }
  }
keep-waits = Changes that wait
change-class-removed = The class { $name } goes
change-location-removed = The location { $name } counts no more
change-media = Fewer media of the location { $name } must hold a recording
change-before = Until now: { $before }
change-affects = { $affected ->
    [0] It lets no recording go that is kept today.
    [one] It lets 1 recording go that is kept today.
   *[other] It lets { $affected } recordings go that are kept today.
  }
change-proposed-by = Proposed by { $name } on { $day }. Another administrator must confirm it; it is in force 14 days later.
change-in-force = Confirmed by { $name }: in force on { $day }, in { $left ->
    [one] 1 day
   *[other] { $left } days
  }. Until then the old rules hold.
change-needs-other = Another administrator must confirm it
change-confirm = Confirm
change-cancel = Cancel the change
change-proposed-now = Proposed. Another administrator must confirm it; until then nothing changes.
change-applied-now = In force now: it only keeps longer.
change-confirmed-now = Confirmed. It is in force in 14 days.
change-cancelled-now = Cancelled.
which = Which calls
which-what = All that you fill in must hold. Nothing filled in means every call.
which-taps = Taps
which-number = A number contains
which-tag = Tag
which-since = Begun on or after
which-until = Begun on or before
which-all = Every call
which-is-extensions = Extension { $value }
which-is-taps = tap { $value }
which-is-number = number { $value }
which-is-tag = tag { $value }
which-is-since = since { $value }
which-is-until = until { $value }
holds = Legal holds
holds-add = Place a hold
holds-none = No hold by order stands. A single recording is held on its own page.
holds-owner = { $owner } answers for it; placed by { $name } on { $day }.
holds-review = To be asked about on { $day }.
holds-no-review = Nobody is to ask about it.
holds-release-why = Why is it needed no more?
holds-over = { $n ->
    [one] 1 released hold
   *[other] { $n } released holds
  }
holds-released-by = Released by { $name } on { $day }: { $why }
holds-who = Who answers for it
holds-all = Hold every call there is and will be
holds-count = Count what it covers
holds-place = Hold these calls
holds-covers = { $more ->
    [yes] It covers at least { $n } recordings that are there, and all to come.
   *[no] It covers { $n } recordings that are there, and all to come.
  }
holds-placed = Held. Nothing and nobody destroys these calls while the hold stands.
holds-released = The hold is released. Retention decides again.
ends = Destroyed
ends-add = Destroy something
ends-none = Nothing was destroyed yet.
ends-ask = When every call of a day is at the end of its retention, administrators are told, and one of them destroys the day.
ends-by-itself = When every call of a day is at the end of its retention, the server destroys the day by itself.
ends-day = The keys of { $day }
ends-recording = One recording of { $day }
ends-state-asked = waits for another administrator
ends-state-intent = being destroyed
ends-state-keyless = being destroyed
ends-state-done = destroyed
ends-state-cancelled = cancelled
ends-by = { $second ->
    [none] By { $name } on { $day }.
   *[other] By { $name } on { $day } and { $second }.
  }
ends-count = { $n ->
    [one] 1 recording.
   *[other] { $n } recordings.
  }
ends-confirm = Confirm and destroy
ends-take-back = Take it back
ends-medium-done = { $name }: gone since { $day }
ends-medium-pending = Pending on { $name } (lies in: { $place }): goes when it is connected next
ends-no-way-back = There is no way back.
ends-limits = A hold always wins. What lies on archive media goes when each is connected next. Copies that somebody made elsewhere stay readable.
ends-kind = What
ends-kind-day = A whole day: its keys
ends-kind-recording = One recording
ends-which-day = Day
ends-which-recording = Reference or id
ends-order = By order, whatever retention says: another administrator must confirm it
ends-type = Type { $what } to go on
ends-do = Destroy for good
ends-order-do = Order the destruction
ends-ordered-now = Ordered. Another administrator must confirm it.
ends-done-now = Destroyed.
ends-cancelled-now = Cancelled.

# Satellites
satellites-what = Recording servers elsewhere. They seal what they record and send it here while the call goes on.
satellites-sum = { $silent ->
    [0] { $connected ->
        [1] 1 of { $all } satellites is connected.
       *[other] { $connected } of { $all } satellites are connected.
    }
    [1] 1 satellite is silent: it may be cut off and recording, or not recording at all.
   *[other] { $silent } satellites are silent: they may be cut off and recording, or not recording at all.
}
satellites-none = No satellite yet
satellites-none-what = A satellite is a recording server near the lines: in a branch, at another exchange, beside the radio. It records by itself, also while this server or the line is away, and deletes a recording only when this server has signed that it holds it. It has no key that opens one.
satellites-begin-1 = Install Amethyst on a Linux machine that sees the traffic there. It must reach this server on the port of this page; this server never connects to it.
satellites-begin-2 = Make a code here. It works once, for 15 minutes. Read it to whoever sits at the new machine.
satellites-begin-3 = They type one command with that code. The satellite stands on this page then, and its calls are on Live and under Recordings.
satellites-gone = Revoked
satellite-add = Add a satellite
satellite-letter = References of its recordings begin with { $letter }.
satellite-is-connected = connected
satellite-is-silent = silent since { $when }
satellite-is-never = never came
satellite-is-revoked = revoked { $when }
satellite-silent-what = Nobody knows from here whether it records. If it does, everything comes later. Look at its line, its power and its program.
satellite-never-what = It was enrolled and its program never connected. Start it there: amethyst satellite run --data /srv/amethyst
satellite-deaf = Nothing is recorded on its tap { $tap } ({ $interface }).
satellite-no-taps = No tap is set up there: nothing is recorded. Add one in its settings.
satellite-calls = Calls now
satellite-calls-then = { $count } when it was last heard
satellite-waits = Waits there
satellite-waits-none = nothing: everything is here
satellite-waits-some = { $parts ->
    [1] 1 part, { $size }, begun { $oldest }
   *[other] { $parts } parts, { $size }, the oldest begun { $oldest }
}
satellite-disk = Its disk
satellite-disk-free = { $free } of { $total } free, { $percent } % full
satellite-clock = Its clock
satellite-clock-right = as here
satellite-clock-behind = { $time } behind: recordings begin at wrong times. Set it there.
satellite-clock-ahead = { $time } ahead: recordings begin at wrong times. Set it there.
satellite-seen = Last heard
satellite-enrolled = Enrolled
satellite-certificate = Certificate
satellite-certificate-until = until { $until }, renewed by itself a month before
satellite-keys-until = has keys until { $day }
satellite-version = Version
satellite-alarms = Alarms since its start
satellite-taps = Taps of { $name }
satellite-tap-read = read
satellite-drops = Dropped by the kernel
satellite-settings = Settings
satellite-settings-edit = Settings
satellite-settings-of = Settings of { $name }
satellite-settings-what = The words are those of amethyst.toml. A change is judged here, signed, and followed by the satellite without losing a call.
satellite-settings-followed = follows those of { $sent }
satellite-settings-waiting = those of { $sent } are not followed yet; it follows those of { $followed }
satellite-settings-faulty = not sent, and those of { $followed } stay in force: { $why }
satellite-settings-refused = it does not follow what it was sent: { $why }
satellite-settings-saved = Saved and signed for { $name }
satellite-settings-send = Sign and send
satellite-settings-fault = Not saved.
satellite-settings-soon = { $name } gets them within half a minute.
satellite-settings-later = { $name } gets them when it is connected again.
satellite-settings-now = { $name } follows these settings.
satellite-rename = Rename
satellite-revoke = Revoke
satellite-revoke-what = For a machine that was stolen, broke, or retires. Its connection ends within seconds and it is never let in again; what it brought stays. What waits there stays on its disk and does not come any more.
satellite-revoke-type = Type its name to confirm: { $name }
satellite-revoke-do = Revoke for good
satellite-revoked-done = { $name } is revoked
satellite-revoked-by = Revoked by { $name }.
satellite-revoked-why = Why: in the audit log
invite-what = Give it the name by which people here will know it.
invite-name = Name of the satellite
invite-name-what = Such as: South branch
invite-make = Make a code
invite-code-for = Code for { $name }
invite-left = Works once, for another { $time }
invite-type = Type this at the new machine:
invite-command = Command for the new machine
invite-guessed = Put the address by which the new machine reaches this server in the place of THIS-SERVER.
invite-hint = Put the interface that sees the traffic in the place of eth1. Nobody has to compare a certificate: a machine in between that does not know the code is found out.
invite-waits = Waiting for the machine …
invite-close = Close this code
invite-came = { $name } is enrolled. Its letter is { $letter }.
invite-came-next = Now, at the new machine:
invite-over = This code works no more.
invite-again = Make another code
invitations = Open codes
invitation-of = made by { $by }, works for another { $time }
invitation-wrong = { $count ->
    [1] 1 wrong attempt
   *[other] { $count } wrong attempts
}
live-satellite = satellite
live-satellite-away = satellite; its calls are not seen here, whether it records or not
live-satellite-more = { $count ->
    [1] 1 more call
   *[other] { $count } more calls
}
ledger-own = This server
ledger-recorder = Recorder
ledger-recorders = The account of each recorder
ledger-of-all = All recorders
ledger-numbers = Its numbers
ledger-whole = no gap
ledger-lacks = { $missing ->
    [1] 1 number is missing: { $which }
   *[other] { $missing } numbers are missing: { $which }
}
ledger-missing = { $missing ->
    [1] The account does not balance: nobody accounts for 1 number. If it is a satellite's it may be on its way; if it stays, tell the administrator.
   *[other] The account does not balance: nobody accounts for { $missing } numbers. If they are a satellite's they may be on their way; if they stay, tell the administrator.
}
live-empty-away = None that this server sees. What goes on at a satellite that is not connected is not seen here.
