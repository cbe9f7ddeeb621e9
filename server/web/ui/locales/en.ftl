# The console's words in English: the complete catalogue, and the one that stands in for what another language lacks.
# Sentence case; the button says the verb; one word per thing, as in the glossary.

app = Amethyst
close = Close
cancel = Cancel
save = Save
undo = Undo
remove = Remove
add = Add
edit = Edit
copy = Copy
copied = Copied
try-again = Try again
loading = Loading …
more = Load more
none = none
yes = yes
no = no
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
