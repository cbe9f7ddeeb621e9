//! `README.txt` in the root of an archive: for whoever finds the drive in a drawer and never heard of us.

/// Names of sites are not longer on this page.
const NAME_MAX: usize = 80;

/// Writes the page, in English and Afrikaans, with the line ends that every editor takes.
pub(super) fn text(site_name: &str) -> Vec<u8> {
    let plain = site_name.chars().map(|c| if c.is_control() { ' ' } else { c });
    let name: String = plain.take(NAME_MAX).collect();
    format!("{ENGLISH}\n\n{AFRIKAANS}").replace("{site}", &name).replace('\n', "\r\n").into_bytes()
}

const ENGLISH: &str = "AMETHYST VOICE RECORDINGS - {site}

WHAT THIS IS
This folder holds recorded calls. They are encrypted: without a login nobody
can hear them or see who called. Please do not rename, change or delete
anything here. The files prove what was said, and each one proves itself.
If you found this drive, give it back to the organisation named above.

TO LISTEN
1. Install the program AMTListen. No server and no network are needed.
2. Open this folder in AMTListen.
3. Ask the administrator of the recorder, or your helpdesk if the recorder is
   down, for TODAY'S login and password, and type them. A login works on its
   own day only.

TO SEE THAT NOTHING WAS CHANGED
No password is needed:    amethyst verify PATH-OF-THIS-FOLDER

TO RESTORE A LOST RECORDER
You need this drive and TWO of the three paper shares that were printed when
the site was set up. Three people keep them. On a new machine:
    amethyst restore --archive PATH-OF-THIS-FOLDER --data NEW-EMPTY-FOLDER
It asks for the two shares, and says at the end what was restored and what is
missing. One share alone opens nothing.

WHOM TO ASK
The administrator of the recorder, in the organisation named above. Whoever
supplied AMETHYST can help with the program, but cannot open the recordings.
";

const AFRIKAANS: &str = "AMETHYST STEMOPNAMES - {site}

WAT DIT IS
Hierdie vouer bevat opgeneemde oproepe. Hulle is ge\u{ef}nkripteer: sonder 'n
aantekening kan niemand hulle hoor of sien wie gebel het nie. Moet asseblief
niks hier hernoem, verander of uitvee nie. Die l\u{ea}ers bewys wat ges\u{ea} is, en
elkeen bewys homself. As jy hierdie skyf gevind het, gee dit terug aan die
organisasie wat hierbo genoem word.

OM TE LUISTER
1. Installeer die program AMTListen. Geen bediener en geen netwerk is nodig nie.
2. Maak hierdie vouer in AMTListen oop.
3. Vra die administrateur van die opnemer, of die hulptoonbank as die opnemer
   af is, vir VANDAG se aantekennaam en wagwoord, en tik dit in. Dit werk net
   op sy eie dag.

OM TE SIEN DAT NIKS VERANDER IS NIE
Geen wagwoord is nodig nie:    amethyst verify PAD-VAN-HIERDIE-VOUER

OM 'N VERLORE OPNEMER TE HERSTEL
Jy het hierdie skyf nodig, en TWEE van die drie papierdele wat gedruk is toe
die stelsel opgestel is. Drie mense bewaar hulle. Op 'n nuwe masjien:
    amethyst restore --archive PAD-VAN-HIERDIE-VOUER --data NUWE-LE\u{cb}-VOUER
Dit vra vir die twee dele, en s\u{ea} aan die einde wat herstel is en wat
ontbreek. Een deel alleen maak niks oop nie.

VIR WIE OM TE VRA
Die administrateur van die opnemer, in die organisasie wat hierbo genoem word.
Wie AMETHYST verskaf het, kan met die program help, maar kan nie die opnames
oopmaak nie.
";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn it_names_the_site_and_reads_in_any_editor() {
        let text = String::from_utf8(text("Town hall\n\u{1b}[31m")).unwrap();
        assert!(text.starts_with("AMETHYST VOICE RECORDINGS - Town hall  [31m\r\n"));
        assert_eq!(text.matches("Town hall").count(), 2);
        assert!(!text.contains("{site}") && !text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(text.lines().all(|line| line.chars().count() <= 100));
    }
}
