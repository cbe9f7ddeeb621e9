# The console's words in Afrikaans.

app = Amethyst
close = Maak toe
cancel = Kanselleer
save = Stoor
undo = Ontdoen
add = Voeg by
copy = Kopieer
copied = Gekopieer
try-again = Probeer weer
loading = Laai …
more = Laai meer
none = geen
notices = Kennisgewings
language = Taal
theme = Tema
theme-system = Soos die stelsel
theme-light = Lig
theme-dark = Donker

## Foute: wat gebeur het, wat dit vir die opnames beteken, wat om te doen

problem-do = Wat om te doen:
problem-silent = Die bediener antwoord nie
problem-silent-meaning = Hierdie bladsy kan nie sê of oproepe nou opgeneem word nie. Opname hang nie van hierdie bladsy af nie.
problem-silent-remedy = Gaan die netwerk van hierdie rekenaar na. As ander die bediener ook nie bereik nie, laat weet die administrateur dadelik.
problem-400 = Die bediener het dit nie aanvaar nie
problem-400-meaning = Niks is verander nie, en opname gaan voort.
problem-400-remedy = Gaan na wat getik is en probeer weer.
problem-401 = Jy is nie aangemeld nie
problem-401-meaning = Opname gaan voort; niemand hoef daarvoor aangemeld te wees nie.
problem-401-remedy = Meld weer aan.
problem-403 = Jy mag dit nie doen nie
problem-403-meaning = Niks is verander nie, en opname gaan voort. Die weiering staan in die ouditlogboek.
problem-403-remedy = Vra 'n administrateur as dit deel van jou werk is.
problem-404 = Nie gevind nie
problem-404-meaning = Dit bestaan nie, of jy mag dit nie sien nie.
problem-404-remedy = Soek daarna, of vra 'n administrateur oor die bestek van jou rekening.
problem-409 = Iemand anders het dit intussen verander
problem-409-meaning = Niks van joune is gestoor nie, en niks van hulle s'n het verlore gegaan nie.
problem-409-remedy = Laai dit weer en maak jou verandering nog een keer.
problem-412 = Iemand anders het dit intussen verander
problem-412-meaning = Niks van joune is gestoor nie, en niks van hulle s'n het verlore gegaan nie.
problem-412-remedy = Laai dit weer en maak jou verandering nog een keer.
problem-413 = Dit is te groot
problem-413-meaning = Niks is verander nie, en opname gaan voort.
problem-413-remedy = Vra minder op 'n slag.
problem-422 = Die bediener het dit nie aanvaar nie
problem-422-meaning = Niks is verander nie, en opname gaan voort.
problem-422-remedy = Verander die waarde en probeer weer.
problem-429 = Te veel pogings
problem-429-meaning = Die bediener vertraag wie te dikwels probeer. Opname gaan voort.
problem-429-remedy = Wag 'n minuut en probeer dan weer.
problem-500 = Die bediener het misluk
problem-500-meaning = Wat jy gevra het, is nie gedoen nie. Opname loop apart hiervan en gaan voort, tensy die regstreekse bladsy anders sê.
problem-500-remedy = Probeer weer; as dit so bly, gee die administrateur die tyd van die dag en hierdie teks.
problem-503 = Die bediener kan dit nie nou doen nie
problem-503-meaning = Niks het die bediener verlaat nie. Opname kom eerste en gaan voort.
problem-503-remedy = Probeer oor 'n minuut weer; as dit so bly, laat weet die administrateur.
problem-console = Die konsole het misluk
problem-console-meaning = Dit is 'n fout van die bladsy; opnames word nie daardeur geraak nie.
problem-console-remedy = Laai die bladsy weer; as dit so bly, rapporteer die teks hierbo.

## Aanmelding

sign-in = Meld aan
sign-in-name = Naam
sign-in-password = Wagwoord
sign-in-do = Meld aan
sign-in-forgotten = Wagwoord vergeet? 'n Administrateur kan jou 'n eenmalige skakel gee.
sign-in-set-password = Kies jou wagwoord
sign-in-second = Tweede faktor
sign-in-enrol = Stel die tweede faktor op
sign-in-welcome = Welkom, { $name }. Hierdie skakel het een keer gewerk; van nou af meld jy met jou naam en hierdie wagwoord aan.
sign-in-link-checking = Gaan die eenmalige skakel na …
sign-in-link-failed = Hierdie skakel is nie aanvaar nie.
sign-in-with-password = Meld met 'n wagwoord aan
sign-in-afresh = Begin weer
sign-in-ended = Jou sessie het geëindig. Opname gaan voort. Meld aan om voort te gaan waar jy was.
sign-in-ended-idle = Jy is afgemeld omdat daar 'n ruk lank niks gedoen is nie. Opname gaan voort. Meld aan om voort te gaan waar jy was.
sign-in-watched = Soektogte, luister en veranderings word in die ouditlogboek geskryf.
password-new = Nuwe wagwoord
password-again = Nog een keer dieselfde
password-hint = Minstens 12 karakters. 'n Paar woorde agtermekaar is goed en maklik om te onthou.
password-mismatch = Die twee is nog nie dieselfde nie.
password-set = Stel wagwoord
totp-enrol = Skandeer hierdie prent met 'n verifikasie-app, en tik dan die ses syfers wat dit wys.
totp-qr = QR-kode vir die verifikasie-app; dieselfde sleutel staan hieronder
totp-secret = Of tik hierdie sleutel in die app
totp-ask = Tik die ses syfers wat jou verifikasie-app nou wys.
totp-code = Ses syfers
totp-confirm = Bevestig

## Die raam

nav = Bladsye
nav-recordings = Opnames
nav-live = Regstreeks
nav-ledger = Grootboek
nav-audit = Oudit
nav-archive = Argief
nav-keeping = Bewaring
nav-satellites = Satelliete
nav-settings = Instellings
nav-account = Jou rekening
nav-about = Oor hierdie bediener
nav-start = Eerste stappe
nav-sign-in = Meld aan
sign-out = Meld af
skip = Spring na die bladsy
demo = demo
zone-title = Tyd van die terrein
page-unknown = Die konsole het nie so 'n bladsy nie. Dit het { $pages } ander.
role-administrator = Administrateur
role-supervisor = Toesighouer
role-auditor = Ouditeur
role-agent = Agent
refresh = Verfris
times-in = Tye in { $zone }
reset = Stel terug
revert = Verwerp veranderings
saved = Gestoor
any = enige
unknown = onbekend
to = aan
state = Toestand
when = Tyd
reason = Rede
details = Besonderhede
entries = Inskrywings
address = Adres

## Sleutels

keys = Sleutels
keys-on = Enkele sleutels werk
keys-everywhere = Oral
keys-list = In die lys
keys-player = In die speler
key-help = wys of versteek dit
key-search = soek
key-recordings = Opnames
key-live = Regstreeks
key-ledger = Grootboek
key-audit = Oudit
key-archive = Argief
key-keeping = Bewaring
key-satellites = Satelliete
key-settings = Instellings
key-close = maak toe
key-move = beweeg
key-open = maak oop en speel
key-select = kies vir uitvoer
key-extend = kies meer
key-play = speel of wag
key-five = 5 s terug of vorentoe
key-one = 1 s terug of vorentoe
key-ten = 10 s terug of vorentoe
key-bookmark = boekmerk hier
key-loop-from = lus begin hier
key-loop-to = lus eindig hier
key-loop-off = geen lus
key-speed = stadiger of vinniger
key-skip = slaan stilte oor
key-zoom = zoem die golfvorm
key-bookmarks = volgende of vorige boekmerk

## Soek

search = Soek opnames
search-do = Soek
search-hint = Nommer, naam, verwysing, “gister 14:00” …
searching = Soek …
search-clear = Maak die soektog leeg
understood = Verstaan:
asked-between = { $since } tot { $until }
asked-since = vanaf { $since }
asked-until = voor { $until }
asked-words = woorde
asked-reference = verwysing
asked-number = nommer met
asked-extension = uitbreiding
asked-name = naam
asked-tag = merker
asked-subject = onderwerp
asked-comment = kommentaar
asked-tap = tappunt
filters = Filters
filters-clear = Verwyder filters
direction = Rigting
direction-in = inkomend
direction-out = uitgaande
direction-internal = intern
direction-unknown = onbekend
side = Kant
side-trunk = hooflyn
side-extension = uitbreiding
side-trunk-long = hooflyn: lyne na die sentrale
side-extension-long = uitbreiding: agter die sentrale
method = Metode
method-voip = VoIP
method-isdn = ISDN
method-analogue = analoog
method-digital = digitaal
method-radio = radio
longer = Langer as
shorter = Korter as
tag = Merker
tap = Tappunt
taps = Tappunte
has-gap = het 'n gaping
held = gehou
length-unknown = 'n Lengte lyk soos 30s, 5m of { $example }.
found = { $count ->
    [0] Geen opnames nie
    [one] 1 opname
   *[other] { $count } opnames
}
found-more = Meer as { $count } opnames
empty-site = Nog geen opnames nie
empty-site-do = Sodra 'n oproep opgeneem is, staan dit hier. As daar al oproepe moes wees, kyk na die regstreekse bladsy: dit wys of die tappunte iets hoor.
empty-search = Niks gevind nie
empty-search-do = Gaan die datum na, laat 'n woord weg, of haal 'n filter af. Jy vind net wat jou rekening mag sien.
col-select = Gekies
col-start = Begin
col-length = Lengte
col-direction = Rigting
col-from = Van
col-to = Aan
col-tap = Tappunt
col-marks = Merke
col-reference = Verwysing
col-number = No.
newest-first = Wys die nuutste eerste
oldest-first = Wys die oudste eerste
select-row = Kies vir uitvoer
is-selected = gekies
not-selected = nie gekies nie
selection = Keuse
selected = { $count ->
    [one] 1 gekies
   *[other] { $count } gekies
}
selection-clear = Verwyder keuse
format = Formaat
export-zip = Voer uit as ZIP
export-working = Die uitvoer word gemaak
export-done = { $count } uitgevoer ({ $size }). Toets dit met: amethyst verify LÊER.zip
gap = gaping
gap-length = { $length } ontbreek
heard-one-way = eenrigting
heard-one-way-long = Een kant het lank geen klank gestuur terwyl die ander een wel het.
heard-silent = stil
heard-silent-long = Niks as digitale stilte het van albei kante gekom nie.
integrity-sealed = verseël, onveranderd
integrity-recovered = herstel ná 'n ineenstorting
integrity-damaged = beskadig
integrity-damaged-do = Die seël van hierdie opname klop op plekke nie. Net wat verifieer, word gespeel. Laat weet die administrateur en bewaar die kopie in die argief.

## Speler

player = Speler
play = Speel
pause = Wag
position = Posisie
position-of = { $at } van { $length }
back-ten = 10 sekondes terug
on-ten = 10 sekondes vorentoe
speed = Spoed
speed-now = { $speed } keer
skip-silence = Slaan stilte oor
loop = Lus
loop-to = Lus eindig hier
bookmark = Boekmerk
bookmark-set = Boekmerk by { $at }
mix = Volume
volume = Volume
balance = Balans
balance-now = { NUMBER($of, maximumFractionDigits: 1) } van 1 na regs
both-ears = albei op albei ore
link-moment = Kopieer 'n skakel na hierdie oomblik
link-copied = Skakel na { $at } gekopieer
link-in-address = Die adres van hierdie bladsy lei nou na hierdie oomblik
download = Laai af
zoom-in = Zoem in
zoom-out = Zoem uit
player-close = Maak die opname toe
player-fetched = Gehaal van { $name }
player-fetched-archive = Gehaal uit die argief
player-failed = Die klank kon nie gelaai word nie.
player-failed-do = Die opname self word nie daardeur geraak nie. Probeer weer; as dit so bly, kyk na die integriteit in die besonderhede.
player-unplayable = Hierdie opname het geen klank wat hier gespeel kan word nie.
peaks-failed = Geen golfvorm nie; speel werk daarsonder
leg-near = naby
leg-far = ver
role-leg-near = naby
role-leg-far = ver
role-leg-joint = albei
role-leg-radio = radio
role-leg-unknown = onbekend

## Gapings

gaps = Gapings
gaps-none = Niks ontbreek nie.
gaps-quiet = Vir { $length } het 'n party geen klank gestuur nie (stilteonderdrukking of houstand). Niks daarvan ontbreek nie.
cause-none = sprong deur die sender
cause-lost-in-network = verloor in die netwerk
cause-lost-by-recorder = verloor deur die opnemer
cause-paused = gewag of gemasker
cause-silence-suppressed = sender was stil
cause-undecodable = kon nie ontsyfer word nie

## Besonderhede

other-party = Ook
codecs = Kodeks
linked = Gekoppelde oproepe
orphan = sonder seinwerk
notes = Notas en boekmerke
notes-none = Nog geen. Druk b terwyl dit speel.
note = Nota
note-new = Nuwe nota
note-added = Nota bygevoeg
note-changed = Nota verander
note-removed = Nota verwyder
note-edited = gewysig
note-edit = Wysig die nota “{ $text }”
note-remove = Verwyder die nota “{ $text }”
tags = Merkers
tag-new = Nuwe merker
tag-added = Merker “{ $tag }” bygevoeg
tag-removed = Merker “{ $tag }” verwyder
tag-remove = Verwyder die merker { $tag }
subject = Onderwerp
comment = Kommentaar
external-reference = Eksterne verwysing
label-saved = Gestoor
hold = Regshou
hold-none = Nie gehou nie.
hold-do = Hou
hold-release = Laat die hou los
hold-reason = Rede
hold-by = Gehou deur
hold-review = Hersien op
hold-set = Gehou. Dit kan nie gewis word terwyl die hou duur nie.
hold-released = Die hou is losgelaat
proof = Bewys en oorsprong
ledger-no = Grootboeknommer
end-reason = Beëindig deur
call-ids = Oproepkenmerke
recording-id = Kenmerk
samples = { $count } monsters
part = Deel

## Hoe oproepe geëindig het

end-recorded = opgeneem
end-partly = gedeeltelik opgeneem
end-not-recorded = nie opgeneem nie
end-open = nog nie geëindig nie
why-start-missed = dit was aan die gang toe dit eerste gesien is
why-end-unknown = die einde is nie gesien nie
why-one-direction = een rigting het nooit aangekom nie: fout van die spieël
why-recorder-loss = die opnemer het monsters verloor
why-encrypted-media = geënkripteer, en daar is geen sleutel nie
why-encrypted-signalling = die seinwerk was geënkripteer
why-fax-t38 = dit het 'n faks geword
why-cti-lost = die CTI-skakel was af
why-source-restart = die bron het weer begin
why-crash = die opnemer het onverwags gestop
why-disk-full = die skyf was vol
why-clock-doubt = tye van die dag onseker: die horlosie het gespring of was verkeerd
why-masked-to-end = gemasker tot die einde
why-rule = weggelaat deur 'n reël
why-source-down = die bron was af
why-no-media = geen media het gekom nie
why-unsupported-signalling = die seinwerk word nie verstaan nie
why-limit = 'n perk is bereik
why-unanswered = nooit geantwoord nie

## Regstreeks

state-recording = neem op
state-ringing = lui
state-paused = wag
state-fault = fout
state-idle = ledig
tap-up = hoor verkeer
tap-down = af
tap-idle = stil
packets = { $count } pakkies per sekonde
notice-observed = { $why }
notice-observed-satellite = { $why }
canary = Kanarie
canary-ok = heel, { $when }
canary-failed = het misluk, { $when }: { $why }
canary-none = nog geen
canary-ok-at = Kanarie heel opgeneem, { $when }
canary-failed-at = Kanarie het misluk, { $when }: { $why }
drops = { $count ->
    [one] 1 pakkie deur die kern verloor
   *[other] { $count } pakkies deur die kern verloor
}
lines = Lyne
level-near = Vlak van die naby party
level-far = Vlak van die ver party
idle-too = Wys ledige lyne ({ $count })
live-lost = Geen nuus van die bediener nie.
live-lost-since = Die bord is van { $at }.
live-lost-do = Hierdie bladsy kan nie sê wat nou opgeneem word nie. Dit probeer self weer; as dit so bly, laat weet die administrateur dadelik.
live-empty = Geen oproepe nou nie
live-empty-do = Sodra 'n telefoon lui, staan die lyn hier. Niks hoef begin te word nie.
taps-none = Geen tappunt is opgestel nie: niks word opgeneem nie.
taps-none-do = Kies 'n bron
listen = Luister
listen-stop = Hou op luister
listening = Luister
hearing-connecting = Verbind …
hearing-buffering = Die klank kom …
hearing-playing = Jy hoor die oproep soos dit aangaan.
hearing-ended = Die oproep het geëindig.
hearing-failed = Die klank het afgebreek. Die oproep word nogtans opgeneem.
behind = { $seconds } s teruggehou
mark = Merk hierdie oomblik
mark-kept = { $at } gemerk. Die bediener kon dit nog nie neem nie; dit word weer probeer solank jy aangemeld bly.
live-marked = Regstreeks gemerk
open-recording = Maak die opname oop

## Grootboek

ledger-what = Van elke geseinde oproep word rekenskap gegee.
ledger-all = Alle oproepe
ledger-exceptions = Uitsonderings
ledger-end = Einde
ledger-balanced = Die rekening klop: van elke geseinde oproep is rekenskap gegee.
ledger-unbalanced = Die rekening klop nie: { $signalled } gesein, van { $accounted } rekenskap gegee. Laat weet die administrateur nou.
ledger-clean = Geen uitsonderings nie. Elke oproep van hierdie dag is heel opgeneem.
ledger-empty = Geen oproep is op hierdie dag gesein nie.
sum-signalled = gesein
account = Rekening van die dag
day = Dag
day-before = Die dag tevore
day-after = Die dag daarna
today = Vandag

## Oudit

audit-check = Toets die ketting
audit-checking = Toets die ketting
audit-whole = Die ketting is heel: { $count } inskrywings getoets, geen verander of uitgehaal nie. Kop:
audit-broken = Die ketting is gebreek ná { $count } inskrywings. Iemand het die logboek verander. Kop:
audit-empty = Geen inskrywing pas nie.
when-hint = vandag, verlede week, 22 nov …
when-unknown = Nie verstaan nie; alles word gewys.
actor = Wie
act = Wat
object = Waarop
outcome = Uitslag
outcome-ok = gedoen
outcome-refused = geweier
outcome-failed = misluk
act-sign-in = het aangemeld
act-sign-in-refused = aanmelding geweier
act-sign-out = het afgemeld
act-search = het gesoek
act-open = het oopgemaak
act-play = het gespeel
act-listen-live = het regstreeks geluister
act-export = het uitgevoer
act-label = het gemerk
act-hold = het gehou
act-release = het losgelaat
act-settings-change = het instellings verander
act-session-revoke = het 'n sessie beëindig
act-refused = geweier
rule-number = reël { $number }
totp-rule = Tweede faktor vir administrateurs
totp-rule-required = verpligtend
totp-rule-optional = opsioneel, net vir demonstrasies
act-user-make = het 'n gebruiker bygevoeg
act-user-change = het 'n gebruiker verander
act-user-link = het 'n eenmalige skakel gemaak
act-user-password = het 'n wagwoord gestel
act-user-shut = het 'n gebruiker gedeaktiveer
act-user-totp = het 'n tweede faktor opgestel
act-user-totp-removed = het 'n tweede faktor verwyder
act-user-unlock = het 'n gebruiker ontsluit
act-test-call = het die toetsoproep geplaas
act-daily-login = het die dag se aanmelding uitgegee
act-policy-propose = het ’n verandering van bewaring voorgestel
act-policy-confirm = het ’n verandering van bewaring bevestig
act-policy-cancel = het ’n verandering van bewaring gekanselleer
act-hold-order-place = het oproepe vasgehou
act-hold-order-change = het ’n bewaring verander
act-hold-order-release = het ’n bewaring vrygestel
act-shred = het vernietig
act-shred-order = het ’n vernietiging beveel
act-shred-confirm = het ’n vernietiging bevestig
act-shred-cancel = het ’n vernietiging gekanselleer
act-retention-blocked = ’n bewaring het gekeer dat dit vernietig word

## Instellings

settings-site = Terrein
settings-users = Gebruikers
settings-sources = Bronne
settings-rules = Reëls
settings-groups = Groepe
settings-recording = Opname
settings-saved = Gestoor. Dit geld reeds; oproepe aan die gang het aangegaan.
settings-unsaved = Nog nie gestoor nie
site = Terrein
site-name = Naam van die terrein
internal-numbers = Julle eie nommers
internal-numbers-what = Patrone, * is een karakter. Hulle onderskei inkomende van uitgaande oproepe.
idle-minutes = Minute sonder bedrywigheid tot afmelding
idle-minutes-what = Luister tel as bedrywigheid.
pattern-range = “{ $pattern }” is geen reeks nie: albei kante het ewe veel syfers nodig, die kleinste eerste.
pattern-characters = “{ $pattern }” het 'n karakter wat geen uitbreiding het nie.
sources-what = 'n Tappunt is waar ons luister. Veranderings geld dadelik en verloor niks van oproepe aan die gang nie.
tap-name = Naam van die tappunt
tap-name-hint = soos: hooflyn
tap-new = Nuwe tappunt
tap-add = Voeg 'n tappunt by
tap-remove = Verwyder die tappunt { $tap }
tap-needs = Elke tappunt het 'n naam en 'n koppelvlak nodig.
tap-twice = Twee tappunte het dieselfde naam.
interface = Koppelvlak
interfaces = Koppelvlakke van hierdie bediener
interface-up = aan
interface-down = af
interface-gone = nie daar nie
interfaces-none = Hierdie bediener wys geen netwerkkoppelvlak nie. Gaan na of dit mag opvang (CAP_NET_RAW).
packets-heard = Pakkies gehoor
packets-seen = { $count } pakkies gehoor
rules-what = Die presieser patroon wen: uitbreiding bo reeks bo jokerteken. As albei ewe presies is, wen uitsluit. Wat 'n reël weglaat, staan in die grootboek.
rules-include = Neem net hierdie op
rules-include-what = Leeg beteken alle uitbreidings.
rules-exclude = Neem hierdie nooit op nie
rules-exclude-what = Skei met kommas: 200, 3***, 3111-3118
groups-what = 'n Groep is 'n naam vir uitbreidings. Gebruikers kan tot groepe beperk word.
groups-none = Nog geen groepe nie.
group-new = Nuwe groep
group-remove = Verwyder die groep { $group }
preroll = Sekondes in die geheue voordat die begin bekend is
idle-end = Sekondes sonder media totdat 'n oproep as geëindig tel
calls-max = Oproepe gelyktydig gevolg
queue-mib = MiB klank wat op 'n stadige skyf mag wag
orphans = Neem media op wat niemand gesein het nie
mask-digits = Hou geskakelde syfers uit opnames
recording-what = Syfers wat as tone in die klank gehoor word, bly daar.

## Gebruikers

user-name = Naam
user-name-what = Vir aanmelding; sonder spasies.
user-display = Gewys as
user-add = Voeg 'n gebruiker by
user-add-link = Voeg by en maak 'n eenmalige skakel
user-active = aktief
user-invited = het nog geen wagwoord gestel nie
user-locked = gesluit
user-disabled = gedeaktiveer
user-totp = tweede faktor
user-access = Toegang
user-unlock = Ontsluit
user-unlocked = Ontsluit
user-disable = Deaktiveer
user-disabled-done = { $name } kan nie meer aanmeld nie
user-enable = Aktiveer
user-enabled = Geaktiveer
role = Rol
role-administrator-what = Alles: gebruikers, instellings, alle opnames in die bestek.
role-supervisor-what = Vind, hoor, merk, voer uit en hou; luister regstreeks.
role-auditor-what = Vind, hoor, voer uit; lees grootboek en ouditlogboek.
role-agent-what = Vind en hoor net eie oproepe; het 'n uitbreiding nodig.
agent-needs = 'n Agent het minstens een uitbreiding nodig.
scope = Mag sien
scope-all = alles
scope-what = Leeg beteken alles. Wat daarbuite lê, lyk asof dit nie bestaan nie.
extensions = Uitbreidings
extensions-what = Uitbreidings, reekse, jokertekens
days-back = Dae terug
days-back-what = Leeg beteken sonder perk.
days-back-short = { $days } dae terug
link-make = Maak 'n eenmalige skakel
link-for = Eenmalige skakel vir { $name }
link-once = Gee hierdie skakel aan die persoon oor 'n kanaal wat jy vertrou. Dit werk een keer en word net nou gewys.
link-one-time = Eenmalige skakel
link-until = Dit werk tot { $until } ({ $zone }).
link-done = Klaar, versteek dit
totp-drop = Verwyder die tweede faktor
totp-drop-confirm = Die persoon moet dit nuut opstel. Tik { $name } om te bevestig:
totp-dropped = Tweede faktor verwyder
sessions = Sessies
sessions-what = Waar jy aangemeld is. Beëindig wat jy nie ken nie.
sessions-none = Geen sessies nie.
sessions-ended = Alle sessies beëindig
sessions-end-all = Beëindig alle sessies
session-program = Program
session-since = Sedert
session-seen = Laas gesien
session-this = hierdie een
session-end = Beëindig
session-ended = Sessie beëindig
password-change = Verander die wagwoord
password-old = Ou wagwoord
password-changed = Wagwoord verander

## Oor, en eerste stappe

zone = Tydsone
version = Weergawe
fingerprint = Vingerafdruk van die sertifikaat
fingerprint-what = Vergelyk dit met wat die bediener gedruk het toe dit begin het. As hulle verskil, staan iemand tussen jou en die bediener: meld af en laat weet die administrateur.
privacy = Wat hierdie bladsy bewaar
privacy-what = Niks van 'n opname nie: klank word nooit deur die blaaier gestoor nie, en word losgelaat wanneer jy afmeld. Taal, tema en dergelike word bewaar.
licence = Amethyst is vrye sagteware onder MIT of Apache-2.0.
start-what = Drie stappe totdat jy 'n opgeneemde oproep hoor. Jy kan enige tyd weggaan en terugkom uit die kieslys onder jou naam.
start-signed-in = Aangemeld
start-signed-in-done = Jy is { $name }, met 'n wagwoord van jou eie.
start-source = Kies waar om te luister
start-source-what = Kies die koppelvlak waarheen die spieëlpoort van jou skakelaar lei. 'n Goeie teken: pakkies word daar gehoor.
start-source-there = 'n Bron is opgestel.
start-source-do = Luister hier
start-source-done = Die bron is opgestel en luister
start-call = Neem 'n toetsoproep op
start-call-what = Die bediener plaas 'n kort oproep deur die hele opnemer: pakkies, seël, katalogus. As jy dit kan hoor, werk die hele pad.
start-call-do = Plaas die toetsoproep
start-call-again = Plaas nog 'n toetsoproep
start-call-working = Die oproep word geplaas en opgeneem
start-call-done = Die toetsoproep is opgeneem en verseël.
start-call-play = Hoor dit
start-call-none = Die toetsoproep is geplaas, maar geen opname het daarvan gekom nie. Kyk na die grootboek: dit sê hoekom. Moenie op opname staatmaak voordat dit opgelos is nie.
start-finish = Gaan na die opnames
start-later = Later: gaan na die opnames

## Argief: of wat opgeneem is veilig is, en waar

archive-what = Bewese kopieë van alle opnames, op jul eie skywe en netwerkvouers
archive-verdict = Of opnames veilig is
archive-is-none = Opnames lê slegs op hierdie bediener. Voeg 'n plek vir 'n kopie by.
archive-is-safe-all = Alles wat tot nou toe opgeneem is, is veilig op { $places ->
    [one] een plek
   *[other] { $places } plekke
  }.
archive-is-safe-until = Alles wat tot { $when } opgeneem is, is veilig op { $places ->
    [one] een plek
   *[other] { $places } plekke
  }.
archive-is-running = Word nou na { $name } geargiveer.
archive-is-no-copy = { $files ->
    [one] Een lêer van 'n opname het nog geen kopie nie
   *[other] { $files } lêers van opnames het nog geen kopie nie
  }: { $why }.
archive-is-missing = { $files ->
    [0] { $name } is nie op datum nie
    [one] Een lêer van 'n opname ontbreek op { $name }
   *[other] { $files } lêers van opnames ontbreek op { $name }
  }: { $why }.
archive-why-away = { $name } is nie gekoppel nie
archive-why-away-since = { $name } is sedert { $when } nie gekoppel nie
archive-why-suspect = wat { $name } teruggegee het, is nie wat daar geskryf is nie
archive-why-waits = 'n lopie wag vir 'n ander een
archive-why-failed = die laaste lopie op { $name } het misluk
archive-why-first = die eerste lopie begin { $when }
archive-why-unfinished = die laaste lopie op { $name } is nie voltooi nie
archive-why-missed = na { $name } is sedert die laaste aand nie geargiveer nie
archive-since = { $files ->
    [0] Niks is sedertdien opgeneem nie.
    [one] Een lêer sedertdien volg in die volgende lopie.
   *[other] { $files } lêers sedertdien volg in die volgende lopie.
  }
archive-next = Die volgende lopie begin { $when } ({ $zone }).
archive-continuous = Nuwe opnames volg kort nadat hulle eindig.
when-today = vandag { $time }
when-yesterday = gister { $time }
when-tomorrow = môre { $time }
when-weekday = { $day } { $time }
when-date = { $day } { $time }
archive-step-check = Kyk of dit die regte medium is
archive-step-plan = Tel wat uitstaan
archive-step-carry = Kopieer, en lees elke lêer terug
archive-step-describe = Skryf lyste, log en sleutels
archive-step-backup = Skryf die rugsteun, en toets dit
archive-step-prove = Teken die verslag
archive-progress = Vordering van die lopie op { $name }
archive-carried = { $files } van { $due } lêers
archive-left = nog omtrent { $time }
archive-stopping = eindig vroeg
archive-run = Argiveer nou
archive-run-asked = 'n Lopie op { $name } is aangevra.
archive-stop = Stop
archive-stop-asked = Die lopie eindig; wat gekopieer is, word eers bewys.
archive-runs = Laaste lopies
archive-begun = Begin
archive-outcome = Uitkoms
archive-files = Bewys
archive-message = Boodskap
archive-outcome-running = aan die gang
archive-outcome-complete = voltooi
archive-outcome-holes = lêers ontbreek
archive-outcome-early = vroeg geëindig
archive-outcome-cut = afgebreek
location-safe = veilig
location-running = word geargiveer
location-behind = agter
location-is-running = argiveer
location-is-waiting = wag vir 'n ander lopie
location-is-suspect = verdagte medium
location-is-unknown = word nagegaan
location-is-connected = gekoppel
location-is-away = nie gekoppel nie
location-why = Nie gekoppel nie: { $why }.
location-kind = Soort
location-kind-usb = USB-skyf
location-kind-folder = Vouer op 'n ander skyf
location-kind-nfs = NFS-vouer
location-kind-smb = Windows-vouer
location-kind-s3 = Objekstoor
location-what-usb = 'n Skyf wat weggeneem en teruggebring word. Heg dit eers aan; gee die hegpunt.
location-what-folder = 'n Tweede skyf van hierdie bediener. Nooit die skyf van die opnames nie: dit moet daardie verlies oorleef.
location-what-nfs = Heg die vouer eers aan, as nfs4 en hard; gee 'n vouer daarin.
location-what-smb = Heg die vouer eers aan, as cifs met vers=3.1.1; gee 'n vouer daarin.
location-what-s3 = 'n Emmer (bucket) by Amazon of in 'n eie stoor wat S3 praat (MinIO, Ceph, Wasabi). Niks word aangeheg nie.
location-add-bucket = Maak eers die emmer en 'n toegangsleutel daarvoor. Die sleutel moet kan lys, lees en skryf; dit hoef nie te kan uitvee nie. Opnames word verseël voordat hulle hierdie bediener verlaat.
bucket-endpoint = Adres van die stoor
bucket-endpoint-what = Leeg: Amazon, in die streek hieronder.
bucket-region = Streek
bucket-region-what = Soos die stoor dit noem; eie store neem dikwels us-east-1.
bucket-name = Emmer
bucket-name-what = Net die naam, sonder s3:// en strepe.
bucket-folder = Vouer in die emmer
bucket-folder-what = Leeg: die emmer self. Twee terreine deel nooit 'n vouer nie.
bucket-key = Toegangsleutel
bucket-secret = Geheime sleutel
bucket-secret-what = Dit word in die terrein weggesluit en nooit weer gewys nie. 'n Nuwe een word gegee met amethyst location credentials.
bucket-more = Uitvee-slot en sertifikaat
bucket-lock = Dae waarin niks uitgevee kan word nie
bucket-lock-what = 0: geen slot. Net as die emmer met object lock gemaak is. Die stoor hou alles so lank, en laat daarvoor betaal.
bucket-ca = Sertifikaat om te vertrou
bucket-ca-what = PEM, vir 'n eie stoor. Leeg: dié wat hierdie bediener vertrou.
location-add = Voeg 'n plek by
location-add-what = Koppel dit en heg dit eers aan die bediener. 'n Vouer AMETHYST word daarin gemaak, en niks anders daar word aangeraak nie.
location-add-do = Voeg by en berei voor
location-adding = Berei voor …
location-added = { $name } is gereed. Die eerste lopie bring alles wat tot nou toe opgeneem is.
location-name = Naam
location-name-what = Soos mense dit noem: Skyf A, NAS in die kelder.
location-path = Pad op die bediener
location-path-what = Die hele pad, van die streep af.
media-set = Skywe wat beurte maak
media-set-one = Geen: een medium bly
media-set-any = Verskeie; een kopie onder hulle is genoeg
media-set-all = Verskeie; elkeen moet 'n kopie hê
media-set-what = Bepaal wanneer 'n opname die lewende stoor mag verlaat.
location-due = Staan uit
location-due-none = niks: alles wat opgeneem is, is hier bewys
location-due-files = { $files ->
    [one] een lêer
   *[other] { $files } lêers
  } ({ $size })
location-proven = Laas bewys
location-never = nog nooit
location-seen = laas gekoppel { $when }
location-space = Ruimte
location-free = { $free } van { $total } vry
location-test = Toets verbinding
location-testing = Kyk …
location-tested = { $name } is daar, met sy regte medium; { $free } van { $total } is vry.
location-tested-away = { $name } kan nie gebruik word nie: { $why }.
forecast = Voorspelling
forecast-full = vol op { $day }, teen { $daily } per dag
forecast-long = hou langer as tien jaar, teen { $daily } per dag
forecast-unknown = ná 'n paar dae se argivering
medium = Medium
medium-unlabelled = sonder etiket
medium-lies = lê in: { $place }
medium-label = Etiket
medium-label-on = Op die medium geskryf
medium-lies-in = Waar dit lê
medium-lies-example = kluis in die bestuurder se kantoor
medium-new = Nuwe medium
medium-prepare = Berei voor
medium-prepare-what = Koppel die nuwe medium eers by { $path }. Hou die oue: sy bewyse bly daar.
medium-prepared = { $name } het 'n medium wat gereed is.
medium-suspect-what = Iets op hierdie medium was nie soos dit moet wees nie. Niks verlaat daarom die lewende stoor nie. Gebruik 'n ander medium, of verifieer hierdie een.

## Die argief: wat iemand moet weet

notices-archive = Wat aandag verg
notice-urgent = Dringende kennisgewing
notice-bell = { $urgent ->
    [0] { $count } kennisgewings oor die argief
   *[other] { $count } kennisgewings oor die argief, { $urgent } dringend
  }
notice-more = Kyk
notice-seen = Gesien
notice-seen-of = Gesien: { $name }
notice-seen-by = gesien deur { $name }
notice-since = sedert { $when }
notice-is-urgent = dringend
notice-is-warning = waarskuwing
notice-is-told = vir jou inligting
notice-no-place = Opnames lê slegs op hierdie bediener: geen plek is vir 'n kopie opgestel nie.
notice-away = { $name } is nie gekoppel nie: { $why }. Dit was laas daar om { $when }. Medium: { $medium }.
notice-unseen = { $name } was twee nagte lank nie gekoppel nie ({ $why }; laas daar: { $when }). Wat sedertdien opgeneem is, het daar geen kopie nie, en niks verlaat hierdie bediener nie. Koppel { $medium }.
notice-other-medium = { $name }: 'n ander medium is daar: { $why }. Niks word daarop geskryf nie.
notice-copied = { $name }: 'n kopie van die medium is daar, of 'n ou toestand daarvan: { $why }. Niks word daarop geskryf nie.
notice-read-only = Op { $name } kan nie geskryf word nie: { $why }. Heg dit skryfbaar, of kyk na die skyf: die stelsel maak 'n skyf wat faal dikwels leesalleen.
notice-suspect = { $name }: iets op { $medium } was nie soos dit moet wees nie. Niks word daarheen geargiveer nie, en niks verlaat daarom hierdie bediener nie. Verifieer dit; dan mag 'n administrateur dit weer vertrou, of gebruik 'n ander medium.
notice-lost = { $name }: { $count } lêers daar is sleg, en geen goeie kopie daarvan is bekend nie: hulle het hierdie bediener verlaat, en geen ander medium bevat hulle bewysbaar nie. Verwyder niks. Koppel elke medium wat hulle dalk het; elke lopie soek daarna.
notice-behind = Op { $name } ontbreek { $count } lêers ({ $size }) wat sedert die laaste aand daar moes wees{ $set ->
    [yes] {""}; alles tot { $when } is daar.
   *[other] .
  }
notice-failed = { $name }: die laaste lopie het misluk, en iemand moet iets doen: { $why }
notice-holes = { $name }: { $count } lêers kon nie gekopieer word nie, of is daar as sleg bevind; elke lopie probeer dit weer. Laat die stelseladministrateur hierdie bediener se skyf nagaan.
notice-stopped = { $name }: { $why } het die lopie om { $when } beëindig; { $count } lêers staan uit. Dit gaan vanaand voort, of wanneer jy daarvoor vra.
notice-clock-back = { $name }: hierdie bediener se horlosie staan voor die laaste lopie van { $when }. Niks word vanself geargiveer voordat dit weer reg is nie.
notice-fills = { $name }: { $medium } het ruimte vir { $count ->
    [0] minder as 'n dag
    [one] nog een dag
   *[other] nog { $count } dae
  }, tot { $day }. Hou 'n ander medium gereed.
notice-nearly-full = { $name }: { $medium } is { $count } % vol ({ $size } oor). Hou 'n ander medium gereed.
notice-night-too-short = { $name } is te stadig: wat opgeneem word, neem { $count } uur teen { $size }/s, en die volgende aand kom gouer. Gebruik 'n vinniger medium, of argiveer heeltyd.
notice-cached = { $name }: wat teruggelees is, kon uit 'n kasgeheue kom, so dit is geen bewys nie, en niks daar mag hierdie bediener verlaat nie. Laat die netwerkvouer sonder kasgeheue heg (cifs: cache=none), en verifieer dit dan.
notice-lowered = { $name }: ná 'n herstel geld niks op { $medium } as bewys voordat dit weer gelees is nie. Verifieer dit.
notice-drill-overdue = { $name }: langer as 'n maand is geen opname teruggehaal en oopgemaak nie ({ $set ->
    [yes] laas { $when }
   *[other] nog nooit
  }). Koppel dit: die oefening begin vanself.
notice-drill-wrong = { $name }: by die oefening van { $when } het 'n opname nie teruggekom soos dit verseël is nie. Verifieer die medium.
notice-logins-short = { $name }: daaglikse aanmeldings lê daar net vir nog { $count } dae, tot { $day }. Lopies in die nag maak meer; kyk hoekom hulle nie het nie.
notice-retention-near = { $name }: 'n opname wat daar ontbreek, bereik om { $when } die einde van sy bewaring; { $count } lêers staan daar uit.
notice-no-room = Hierdie bediener se skyf is { $count } % vol en niks mag dit verlaat nie ({ $why }). Koppel die argief, of laat die skyf vergroot; niks word verwyder wat nie elders bewys is nie.
notice-hold-review = Sedert { $day } behoort iemand te vra of die regshou van { $name } nog nodig is. Totdat dit opgehef word, gaan niks daarvan weg nie.
notice-policy-waits = { $set ->
    [yes] Van { $when } af word minder bewaar, soos { $name } voorgestel het ({ $count } opnames): enige administrateur mag dit kanselleer.
   *[other] { $name } stel voor dat minder bewaar word ({ $count } opnames): 'n ander administrateur moet dit bevestig of kanselleer.
  }
archive-why-cached = wat { $name } teruggegee het, kon uit 'n kasgeheue kom, en dit bewys niks
archive-why-lowered = niks op { $name } geld ná die herstel voordat dit geverifieer is nie
archive-why-stopped = 'n mens het die lopie op { $name } beëindig
archive-stopped = { $name } het die lopie beëindig. Dit gaan vanaand voort, of wanneer jy daarvoor vra.
archive-report = Verslag
days = Die laaste sestig dae
days-all = bewys op elke plek
days-some = bewys op sommige
days-no = nog geen kopie nie
days-empty = niks opgeneem nie
days-purged = deels slegs in die argief
day-all = { $day }: { $files ->
    [one] een lêer, bewys
   *[other] al { $files } lêers is bewys
  } op { $places ->
    [one] die een plek.
   *[other] al { $places } plekke.
  }
day-some = { $day }: { $files } lêers; { $lacking } daarvan is nog nie op elke plek bewys nie.
day-no = { $day }: { $files ->
    [one] een lêer het nog geen kopie nie.
   *[other] { $files } lêers het nog geen kopie nie.
  }
day-empty = { $day }: niks is opgeneem nie.
day-purged = { $files ->
    [one] Een daarvan lê slegs in die argief.
   *[other] { $files } daarvan lê slegs in die argief.
  }
check-verify = Verifieer alles
check-drill = Oefen nou
check-verified = Geverifieer
check-drilled = Laaste oefening
check-asked-verify = Alles op { $name } word weer gelees. Opneem en luister gaan intussen voort.
check-asked-drill = Sommige opnames word van { $name } gehaal, oopgemaak en teen die log gehou.
check-goes-verify = Lees alles weer
check-goes-drill = Haal sommige opnames en maak dit oop
check-since = begin { $when }
check-stop-asked = Dit eindig; niks is verander nie.
check-was-well = { $when }: alles reg, { $files } opnames, { $size }
check-was-wrong = { $when }: nie alles was soos dit moet wees nie
check-drill-well = { $when }: { $files } opnames het teruggekom soos hulle verseël is
check-findings = Wat verkeerd was ({ $count })
logins = Daaglikse aanmeldings
logins-until = vir { $days ->
    [one] een dag
   *[other] { $days } dae
  }, tot { $day }
medium-seed = Bring daarheen
medium-seed-full = Alles.
medium-seed-what-full = Van hierdie bediener, en wat dit verlaat het van 'n ander plek.
medium-seed-from_now = Van nou af.
medium-seed-what-from_now = Wat voorheen opgeneem is, bly slegs op die media daarvoor: hou hulle solank die opnames bewaar moet word.
medium-proof-cached = Wat van hierdie medium teruggelees is, kon uit 'n kasgeheue kom, so dit is geen bewys nie: niks daarop mag hierdie bediener verlaat nie. Laat dit sonder kasgeheue heg, en verifieer dit dan.
medium-proof-lowered = Ná die herstel geld niks op hierdie medium as bewys voordat dit geverifieer is nie.
medium-trust = Vertrou hierdie medium weer
medium-mends = Die verifikasie het slegte lêers gevind en niks anders verkeerd nie. As jy die medium weer vertrou, bring die volgende lopie goeie kopieë en hou die slegte lêers eenkant. 'n Skyf wat lêers beskadig, word liewer vervang.
medium-trusted = Na { $name } word weer geargiveer.
removal = Haal uit gebruik
removal-what = Opnames kan dan hierdie bediener met een kopie minder as vandag verlaat: { $count } opnames. 'n Ander administrateur moet dit bevestig, almal word ingelig, en dit tree 14 dae later in werking; tot dan mag enigeen dit kanselleer. Wat op die medium lê, bly daar.
removal-at-once = Niks is ooit op { $name } bewys nie: dit gaan dadelik.
removal-type = Tik { $name } om voort te gaan
removal-do = Haal uit gebruik
removal-propose = Stel dit voor
removal-gone = { $name } is uit gebruik.
removal-asked = Dit is voorgestel dat { $name } gaan. 'n Ander administrateur moet dit bevestig.
removal-waits = { $name } stel voor om hierdie plek uit gebruik te haal ({ $count } opnames sou een kopie minder nodig hê). 'n Ander administrateur moet dit bevestig.
removal-effective = Hierdie plek gaan { $when } uit gebruik, soos { $name } voorgestel het.
removal-confirm = Bevestig dat dit gaan
removal-confirmed = { $name } gaan oor 14 dae uit gebruik.
removal-cancel = Hou hierdie plek
removal-cancelled = { $name } bly.

# Bewaring
keeping-what = Hoe lank oproepe bewaar word, wat vasgehou word, en wat vernietig is.
keep-classes = Hoe lank oproepe bewaar word
keep-add = Voeg ’n klas by
keep-name = Klas
keep-rule = Reël
keep-acts = Verander
keep-edit = Verander
keep-edit-named = Verander { $name }
keep-remove = Verwyder
keep-remove-named = Stel voor om { $name } te verwyder
keep-longest = ’n Oproep van verskeie klasse word so lank bewaar as wat die langste daarvan sê. Een van geen klas nie, of met niemand van die terrein nie, word so lank bewaar as wat die langste van almal sê.
keep-for-ever = Geen klas is gestel nie: elke oproep word vir altyd bewaar.
keep-sentence = { $which }: { $least }, { $most }.
keep-least = minstens { $length }
keep-least-none = geen minste tyd nie
keep-most = vernietig ná { $length }
keep-most-never = nooit vernietig nie
keep-years = { $n ->
    [one] 1 jaar
   *[other] { $n } jaar
  }
keep-days = { $n ->
    [one] 1 dag
   *[other] { $n } dae
  }
keep-min = Minste, in dae
keep-min-what = Niemand mag ’n oproep vroeër vernietig nie, behalwe op bevel van twee administrateurs.
keep-max = Meeste, in dae
keep-max-what = Moet dan vernietig word. Leeg: nooit.
keep-preview = Kyk wat dit sou doen
keep-propose = Stel die verandering voor
keep-would = { $more ->
    [yes] Dit sou minstens { $affected } opnames laat gaan wat vandag bewaar word; { $held } daarvan word vasgehou en bly.
   *[no] { $affected ->
      [0] Dit laat geen opname gaan wat vandag bewaar word nie.
     *[other] Dit sou { $affected } opnames laat gaan wat vandag bewaar word; { $held } daarvan word vasgehou en bly.
    }
  }
keep-waits = Veranderinge wat wag
change-class-removed = Die klas { $name } gaan weg
change-location-removed = Die plek { $name } tel nie meer nie
change-media = Minder media van die plek { $name } moet ’n opname hê
change-before = Tot nou toe: { $before }
change-affects = { $affected ->
    [0] Dit laat geen opname gaan wat vandag bewaar word nie.
    [one] Dit laat 1 opname gaan wat vandag bewaar word.
   *[other] Dit laat { $affected } opnames gaan wat vandag bewaar word.
  }
change-proposed-by = Voorgestel deur { $name } op { $day }. ’n Ander administrateur moet dit bevestig; dit geld 14 dae later.
change-in-force = Bevestig deur { $name }: geld op { $day }, oor { $left ->
    [one] 1 dag
   *[other] { $left } dae
  }. Tot dan geld die ou reëls.
change-needs-other = ’n Ander administrateur moet dit bevestig
change-confirm = Bevestig
change-cancel = Kanselleer die verandering
change-proposed-now = Voorgestel. ’n Ander administrateur moet dit bevestig; tot dan verander niks nie.
change-applied-now = Geld nou: dit bewaar net langer.
change-confirmed-now = Bevestig. Dit geld oor 14 dae.
change-cancelled-now = Gekanselleer.
which = Watter oproepe
which-what = Alles wat jy invul, moet geld. Niks ingevul nie beteken elke oproep.
which-taps = Tappunte
which-number = ’n Nommer bevat
which-tag = Etiket
which-since = Begin op of ná
which-until = Begin op of voor
which-all = Elke oproep
which-is-extensions = Uitbreiding { $value }
which-is-taps = tappunt { $value }
which-is-number = nommer { $value }
which-is-tag = etiket { $value }
which-is-since = sedert { $value }
which-is-until = tot { $value }
holds = Regsbewarings
holds-add = Hou oproepe vas
holds-none = Geen bevel om vas te hou staan nie. ’n Enkele opname word op sy eie bladsy vasgehou.
holds-owner = { $owner } staan daarvoor in; geplaas deur { $name } op { $day }.
holds-review = Vra daaroor op { $day }.
holds-no-review = Niemand hoef daaroor te vra nie.
holds-release-why = Waarom is dit nie meer nodig nie?
holds-over = { $n ->
    [one] 1 vrygestelde bewaring
   *[other] { $n } vrygestelde bewarings
  }
holds-released-by = Vrygestel deur { $name } op { $day }: { $why }
holds-who = Wie daarvoor instaan
holds-all = Hou elke oproep vas wat daar is en sal wees
holds-count = Tel wat dit dek
holds-place = Hou hierdie oproepe vas
holds-covers = { $more ->
    [yes] Dit dek minstens { $n } opnames wat daar is, en alle toekomstiges.
   *[no] Dit dek { $n } opnames wat daar is, en alle toekomstiges.
  }
holds-placed = Vasgehou. Niks en niemand vernietig hierdie oproepe solank dit staan nie.
holds-released = Vrygestel. Die bewaartyd beslis weer.
ends = Vernietig
ends-add = Vernietig iets
ends-none = Niks is nog vernietig nie.
ends-ask = Wanneer elke oproep van ’n dag aan die einde van sy bewaartyd is, word dit aan administrateurs gesê, en een van hulle vernietig die dag.
ends-by-itself = Wanneer elke oproep van ’n dag aan die einde van sy bewaartyd is, vernietig die bediener die dag self.
ends-day = Die sleutels van { $day }
ends-recording = Een opname van { $day }
ends-state-asked = wag vir ’n ander administrateur
ends-state-intent = word vernietig
ends-state-keyless = word vernietig
ends-state-done = vernietig
ends-state-cancelled = gekanselleer
ends-by = { $second ->
    [none] Deur { $name } op { $day }.
   *[other] Deur { $name } op { $day } en { $second }.
  }
ends-count = { $n ->
    [one] 1 opname.
   *[other] { $n } opnames.
  }
ends-confirm = Bevestig en vernietig
ends-take-back = Trek dit terug
ends-medium-done = { $name }: weg sedert { $day }
ends-medium-pending = Hangend op { $name } (lê in: { $place }): gaan wanneer dit weer gekoppel word
ends-no-way-back = Daar is geen pad terug nie.
ends-limits = ’n Regsbewaring wen altyd. Wat op argiefmedia lê, gaan wanneer elkeen weer gekoppel word. Afskrifte wat iemand elders gemaak het, bly leesbaar.
ends-kind = Wat
ends-kind-day = ’n Hele dag: sy sleutels
ends-kind-recording = Een opname
ends-which-day = Dag
ends-which-recording = Verwysing of id
ends-order = Op bevel, wat die bewaartyd ook al sê: ’n ander administrateur moet dit bevestig
ends-type = Tik { $what } om voort te gaan
ends-do = Vernietig vir altyd
ends-order-do = Beveel die vernietiging
ends-ordered-now = Beveel. ’n Ander administrateur moet dit bevestig.
ends-done-now = Vernietig.
ends-cancelled-now = Gekanselleer.

# Satelliete
satellites-what = Opnamebedieners elders. Hulle verseël wat hulle opneem en stuur dit hierheen terwyl die oproep aan die gang is.
satellites-sum = { $silent ->
    [0] { $connected ->
        [1] 1 van { $all } satelliete is gekoppel.
       *[other] { $connected } van { $all } satelliete is gekoppel.
    }
    [1] 1 satelliet is stil: dit is dalk afgesny en neem op, of neem glad nie op nie.
   *[other] { $silent } satelliete is stil: hulle is dalk afgesny en neem op, of neem glad nie op nie.
}
satellites-none = Nog geen satelliet nie
satellites-none-what = 'n Satelliet is 'n opnamebediener naby die lyne: in 'n tak, by 'n ander sentrale, langs die radio. Dit neem self op, ook terwyl hierdie bediener of die lyn weg is, en vee 'n opname eers uit wanneer hierdie bediener geteken het dat hy dit het. Dit het geen sleutel wat een oopmaak nie.
satellites-begin-1 = Installeer Amethyst op 'n Linux-masjien wat die verkeer daar sien. Dit moet hierdie bediener op die poort van hierdie bladsy kan bereik; hierdie bediener koppel nooit daarheen nie.
satellites-begin-2 = Maak hier 'n kode. Dit werk een keer, vir 15 minute. Lees dit vir die een wat by die nuwe masjien sit.
satellites-begin-3 = Hulle tik een opdrag met daardie kode. Dan staan die satelliet op hierdie bladsy, en sy oproepe is op Regstreeks en onder Opnames.
satellites-gone = Herroep
satellite-add = Voeg 'n satelliet by
satellite-letter = Verwysings van sy opnames begin met { $letter }.
satellite-is-connected = gekoppel
satellite-is-silent = stil sedert { $when }
satellite-is-never = het nooit gekom nie
satellite-is-revoked = herroep { $when }
satellite-silent-what = Niemand weet van hier af of dit opneem nie. As dit opneem, kom alles later. Kyk na sy lyn, sy krag en sy program.
satellite-never-what = Dit is ingeskryf en sy program het nooit gekoppel nie. Begin dit daar: amethyst satellite run --data /srv/amethyst
satellite-deaf = Niks word op sy tappunt { $tap } ({ $interface }) opgeneem nie.
satellite-no-taps = Geen tappunt is daar opgestel nie: niks word opgeneem nie. Voeg een by in sy instellings.
satellite-calls = Oproepe nou
satellite-calls-then = { $count } toe dit laas gehoor is
satellite-waits = Wag daar
satellite-waits-none = niks: alles is hier
satellite-waits-some = { $parts ->
    [1] 1 deel, { $size }, begin { $oldest }
   *[other] { $parts } dele, { $size }, die oudste begin { $oldest }
}
satellite-disk = Sy skyf
satellite-disk-free = { $free } van { $total } vry, { $percent } % vol
satellite-clock = Sy horlosie
satellite-clock-right = soos hier
satellite-clock-behind = { $time } agter: opnames begin op verkeerde tye. Stel dit daar.
satellite-clock-ahead = { $time } voor: opnames begin op verkeerde tye. Stel dit daar.
satellite-seen = Laas gehoor
satellite-enrolled = Ingeskryf
satellite-certificate = Sertifikaat
satellite-certificate-until = tot { $until }, hernu homself 'n maand vooraf
satellite-keys-until = het sleutels tot { $day }
satellite-version = Weergawe
satellite-alarms = Alarms sedert sy begin
satellite-taps = Tappunte van { $name }
satellite-tap-read = word gelees
satellite-drops = Deur die kern verloor
satellite-settings = Instellings
satellite-settings-edit = Instellings
satellite-settings-of = Instellings van { $name }
satellite-settings-what = Die woorde is dié van amethyst.toml. 'n Verandering word hier beoordeel, geteken, en deur die satelliet gevolg sonder om 'n oproep te verloor.
satellite-settings-followed = volg dié van { $sent }
satellite-settings-waiting = dié van { $sent } word nog nie gevolg nie; dit volg dié van { $followed }
satellite-settings-faulty = nie gestuur nie, en dié van { $followed } bly van krag: { $why }
satellite-settings-refused = dit volg nie wat gestuur is nie: { $why }
satellite-settings-saved = Gestoor en geteken vir { $name }
satellite-settings-send = Teken en stuur
satellite-settings-fault = Nie gestoor nie.
satellite-settings-soon = { $name } kry dit binne 'n halwe minuut.
satellite-settings-later = { $name } kry dit wanneer dit weer gekoppel is.
satellite-settings-now = { $name } volg hierdie instellings.
satellite-rename = Hernoem
satellite-revoke = Herroep
satellite-revoke-what = Vir 'n masjien wat gesteel is, gebreek het of uit diens tree. Sy verbinding eindig binne sekondes en dit word nooit weer ingelaat nie; wat dit gebring het, bly. Wat daar wag, bly op sy skyf en kom nie meer nie.
satellite-revoke-type = Tik sy naam om te bevestig: { $name }
satellite-revoke-do = Herroep vir goed
satellite-revoked-done = { $name } is herroep
satellite-revoked-by = Herroep deur { $name }.
satellite-revoked-why = Hoekom: in die ouditlogboek
invite-what = Gee dit die naam waaraan mense hier dit sal ken.
invite-name = Naam van die satelliet
invite-name-what = Soos: Suidtak
invite-make = Maak 'n kode
invite-code-for = Kode vir { $name }
invite-left = Werk een keer, vir nog { $time }
invite-type = Tik dit by die nuwe masjien:
invite-command = Opdrag vir die nuwe masjien
invite-guessed = Sit die adres waarop die nuwe masjien hierdie bediener bereik in die plek van THIS-SERVER.
invite-hint = Sit die koppelvlak wat die verkeer sien in die plek van eth1. Niemand hoef 'n sertifikaat te vergelyk nie: 'n masjien tussenin wat nie die kode ken nie, word uitgevind.
invite-waits = Wag vir die masjien …
invite-close = Sluit hierdie kode
invite-came = { $name } is ingeskryf. Sy letter is { $letter }.
invite-came-next = Nou, by die nuwe masjien:
invite-over = Hierdie kode werk nie meer nie.
invite-again = Maak nog 'n kode
invitations = Oop kodes
invitation-of = gemaak deur { $by }, werk vir nog { $time }
invitation-wrong = { $count ->
    [1] 1 verkeerde poging
   *[other] { $count } verkeerde pogings
}
live-satellite = satelliet
live-satellite-away = satelliet; sy oproepe word nie hier gesien nie, of dit opneem of nie
live-satellite-more = { $count ->
    [1] nog 1 oproep
   *[other] nog { $count } oproepe
}
ledger-own = Hierdie bediener
ledger-recorder = Opnemer
ledger-recorders = Die rekening van elke opnemer
ledger-of-all = Alle opnemers
ledger-numbers = Sy nommers
ledger-whole = geen gaping
ledger-lacks = { $missing ->
    [1] 1 nommer ontbreek: { $which }
   *[other] { $missing } nommers ontbreek: { $which }
}
ledger-missing = { $missing ->
    [1] Die rekening klop nie: van 1 nommer is geen rekenskap gegee nie. As dit 'n satelliet s'n is, is dit dalk op pad; as dit so bly, laat weet die administrateur.
   *[other] Die rekening klop nie: van { $missing } nommers is geen rekenskap gegee nie. As dit 'n satelliet s'n is, is hulle dalk op pad; as dit so bly, laat weet die administrateur.
}
live-empty-away = Geen wat hierdie bediener sien nie. Wat by 'n satelliet gebeur wat nie gekoppel is nie, word nie hier gesien nie.
