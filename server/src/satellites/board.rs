//! One board of the central's own calls and those that satellites tell of.
//!
//! The recording thread publishes its board and waits for nobody; a thread of its own puts the two together a few times a second, and only
//! when something changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use vault::{SatelliteRow, Vault};
use web::{Board, BoardSatellite};

use super::Present;

/// How often it is looked whether anything changed.
const TURN: Duration = Duration::from_millis(250);
/// How often names and letters are read again, and who fell silent.
const ROWS_EVERY: Duration = Duration::from_secs(5);

/// Starts to put boards together; returns the one for everybody.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn join(
    own: watch::Receiver<Arc<Board>>,
    present: Arc<Present>,
    vault: Arc<Vault>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<(watch::Receiver<Arc<Board>>, JoinHandle<()>)> {
    let (out, read) = watch::channel(Arc::default());
    let run = move || keep(own, &present, &vault, &stop, &out);
    let thread = std::thread::Builder::new().name("board".to_owned()).spawn(run)?;
    Ok((read, thread))
}

fn keep(
    mut own: watch::Receiver<Arc<Board>>,
    present: &Present,
    vault: &Vault,
    stop: &AtomicBool,
    out: &watch::Sender<Arc<Board>>,
) {
    let (mut rows, mut read, mut seen) = (Vec::new(), None, None);
    while !stop.load(Ordering::Relaxed) {
        let changes = present.changes();
        let is_due = read.is_none_or(|at: Instant| at.elapsed() >= ROWS_EVERY) || seen != Some(changes);
        if is_due {
            // What cannot be read now is read in a moment; the board is that of before.
            rows = vault.satellites().unwrap_or(rows);
            read = Some(Instant::now());
        }
        // The recording thread has ended: whoever looks is told so.
        let Ok(has_changed) = own.has_changed() else { return };
        if has_changed || is_due {
            seen = Some(changes);
            let own = Arc::clone(&own.borrow_and_update());
            let board = together(&own, present, &rows);
            out.send_if_modified(|known| {
                let changed = **known != *board;
                if changed {
                    *known = board;
                }
                changed
            });
        }
        std::thread::sleep(TURN);
    }
}

/// Puts a board together. Without satellites it is the central's own.
fn together(own: &Arc<Board>, present: &Present, rows: &[SatelliteRow]) -> Arc<Board> {
    if rows.iter().all(|row| row.revoked.is_some()) {
        return Arc::clone(own);
    }
    let mut board = Board::clone(own);
    for row in rows.iter().filter(|row| row.revoked.is_none()) {
        let (lines, calls) = present.calls(row.recorder_id, &row.name, row.letter).unzip();
        board.satellites.push(BoardSatellite {
            name: row.name.clone(),
            connected: lines.is_some(),
            seen_at: row.last_seen_at.filter(|_| lines.is_none()),
            calls: calls.unwrap_or(0),
        });
        board.lines.extend(lines.into_iter().flatten());
    }
    Arc::new(board)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use shared::{RecorderId, UtcMicros};

    fn row(n: u8, name: &str) -> SatelliteRow {
        SatelliteRow {
            recorder_id: RecorderId([n; 16]),
            name: name.into(),
            letter: char::from(b'A' + n),
            signing_key: [n; 32],
            certificate: [n; 32],
            certificate_until: UtcMicros(0),
            enrolled_at: UtcMicros(0),
            revoked: None,
            last_seen_at: Some(UtcMicros(5)),
            status: "{}".into(),
            config_version: 0,
        }
    }

    #[test]
    fn calls_stand_on_the_board_while_their_satellite_is_on_the_line() {
        let (present, own, rows) =
            (Present::default(), Arc::new(Board::default()), [row(1, "South"), row(2, "North")]);
        let told = br#"{"count":9,"lines":[{"key":4,"recording":null,"reference":"B261123-000001","tap":"t","side":"trunk","state":"ringing","started_us":1,"caller":{"number":"1","name":""},"called":{"number":"2","name":""},"direction":"in","codecs":[],"fault":null}]}"#;
        let south = RecorderId([1; 16]);
        present.told(south, told);
        assert!(together(&own, &present, &rows).lines.is_empty(), "it is not on the line");
        present.came(south);
        assert!(present.told(south, told));
        let board = together(&own, &present, &rows);
        let [line] = board.lines.as_slice() else { panic!("{board:?}") };
        assert_eq!(line.reference.as_deref(), Some("B261123-000001"));
        let satellites: Vec<_> =
            board.satellites.iter().map(|s| (s.name.as_str(), s.connected, s.calls, s.seen_at)).collect();
        assert_eq!(satellites, [("South", true, 9, None), ("North", false, 0, Some(UtcMicros(5)))]);
        present.left(south);
        assert!(together(&own, &present, &rows).lines.is_empty(), "nobody knows any more");
        assert!(
            Arc::ptr_eq(&together(&own, &present, &[]), &own),
            "and without satellites nothing is copied"
        );
    }
}
