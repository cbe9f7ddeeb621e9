//! Satellites, their invitations, and the account of their calls.

use shared::{LedgerEnd, LedgerNo, Partly, RecorderId, RecordingId, UtcMicros};

use super::world::by;
use crate::*;

fn new(n: u8) -> SatelliteRow {
    SatelliteRow {
        recorder_id: RecorderId([n; 16]),
        name: String::new(),
        letter: '?',
        signing_key: [n; 32],
        certificate: [n; 32],
        certificate_until: UtcMicros(900),
        enrolled_at: UtcMicros(5),
        revoked: None,
        last_seen_at: None,
        status: "{}".into(),
        config_version: 0,
    }
}

fn invite(catalogue: &Catalogue, n: u8, expires_at: i64) -> InvitationRow {
    let row = InvitationRow {
        invitation_id: [n; 16],
        secret: vec![n; 32],
        name: format!("branch {n}"),
        made: by(),
        expires_at: UtcMicros(expires_at),
        tries: 0,
    };
    catalogue.invite(&row).unwrap();
    row
}

pub(super) fn an_invitation_brings_one_satellite_once(catalogue: &Catalogue) {
    let first = invite(catalogue, 1, 100);
    assert!(!format!("{first:?}").contains('['), "secrets are not printed");
    assert_eq!(catalogue.invitations(UtcMicros(99)).unwrap(), [first]);
    assert_eq!(catalogue.invitations(UtcMicros(100)).unwrap(), [], "its time is over");
    let take =
        |id: u8, n: u8, now| catalogue.take_invitation([id; 16], &new(n), 'A', UtcMicros(now)).unwrap();
    assert_eq!(take(1, 2, 100), None);
    assert_eq!(take(9, 2, 50), None, "there is none");
    let came = take(1, 2, 50).unwrap();
    assert_eq!(came, SatelliteRow { name: "branch 1".into(), letter: 'B', ..new(2) });
    assert_eq!(take(1, 3, 50), None, "used");
    assert_eq!(catalogue.satellites().unwrap(), [came]);
    invite(catalogue, 2, 100);
    let again = catalogue.take_invitation([2; 16], &new(2), 'A', UtcMicros(50));
    assert!(matches!(again, Err(CatalogueError::Taken { .. })), "an identity comes once");
    assert_eq!(
        catalogue.invitations(UtcMicros(50)).unwrap().len(),
        1,
        "and the invitation was not used by it"
    );
    assert_eq!(take(2, 3, 50).unwrap().letter, 'C');
    invite(catalogue, 3, 100);
    assert!(catalogue.withdraw_invitation([3; 16], UtcMicros(50)).unwrap());
    assert!(!catalogue.withdraw_invitation([3; 16], UtcMicros(50)).unwrap());
    assert_eq!(take(3, 4, 50), None, "withdrawn");
    for (letter, n) in ('D'..='Z').zip(10..) {
        invite(catalogue, n, 100);
        assert_eq!(take(n, n, 50).unwrap().letter, letter);
    }
    invite(catalogue, 50, 100);
    let full = catalogue.take_invitation([50; 16], &new(50), 'A', UtcMicros(50));
    assert!(matches!(full, Err(CatalogueError::NoLetter)), "no letter is left");
    assert_eq!(catalogue.satellite(RecorderId([50; 16])).unwrap(), None);
}

pub(super) fn wrong_proofs_close_every_invitation(catalogue: &Catalogue) {
    invite(catalogue, 1, 50);
    assert!(!catalogue.wrong_proof(UtcMicros(60), 2).unwrap(), "none is open");
    invite(catalogue, 2, 100);
    invite(catalogue, 3, 100);
    assert!(!catalogue.wrong_proof(UtcMicros(60), 3).unwrap());
    assert!(!catalogue.wrong_proof(UtcMicros(60), 3).unwrap());
    assert_eq!(catalogue.invitations(UtcMicros(60)).unwrap().iter().map(|i| i.tries).sum::<u32>(), 4);
    assert!(catalogue.wrong_proof(UtcMicros(60), 3).unwrap());
    assert_eq!(catalogue.invitations(UtcMicros(60)).unwrap(), []);
    assert!(!catalogue.wrong_proof(UtcMicros(60), 3).unwrap(), "told once");
}

pub(super) fn a_satellite_is_seen_renewed_and_revoked(catalogue: &Catalogue) {
    invite(catalogue, 1, 100);
    catalogue.take_invitation([1; 16], &new(2), 'A', UtcMicros(50)).unwrap().unwrap();
    let id = RecorderId([2; 16]);
    let row = || catalogue.satellite(id).unwrap().unwrap();
    catalogue.satellite_seen(id, UtcMicros(70), Some("{\"backlog\":0}")).unwrap();
    catalogue.satellite_seen(id, UtcMicros(71), None).unwrap();
    catalogue.satellite_configured(id, 3).unwrap();
    catalogue.renew_satellite(id, &[8; 32], UtcMicros(990)).unwrap();
    let seen = row();
    assert_eq!(
        (
            seen.last_seen_at,
            seen.status.as_str(),
            seen.config_version,
            seen.certificate,
            seen.certificate_until
        ),
        (Some(UtcMicros(71)), "{\"backlog\":0}", 3, [8; 32], UtcMicros(990))
    );
    let long = "x".repeat((64 << 10) + 1);
    assert!(matches!(
        catalogue.satellite_seen(id, UtcMicros(72), Some(&long)),
        Err(CatalogueError::Length { .. })
    ));
    invite(catalogue, 2, 100);
    catalogue.take_invitation([2; 16], &new(3), 'A', UtcMicros(50)).unwrap().unwrap();
    let renamed = catalogue.rename_satellite(id, "branch 2");
    assert!(
        matches!(renamed, Err(CatalogueError::Taken { .. })),
        "two of one name are mistaken for each other"
    );
    catalogue.rename_satellite(id, "south").unwrap();
    catalogue.rename_satellite(id, "south").unwrap();
    assert_eq!((row().name.as_str(), row().letter), ("south", 'B'));
    let nobody = catalogue.rename_satellite(RecorderId([7; 16]), "north");
    assert!(matches!(nobody, Err(CatalogueError::NotThere { .. })));
    assert!(catalogue.revoke_satellite(id, &by()).unwrap());
    catalogue.rename_satellite(RecorderId([3; 16]), "south").unwrap();
    assert!(!catalogue.revoke_satellite(id, &by()).unwrap(), "once");
    assert_eq!(row().revoked, Some(by()));
    let renewed = catalogue.renew_satellite(id, &[9; 32], UtcMicros(999));
    assert!(matches!(renewed, Err(CatalogueError::NotThere { .. })), "never again");
    assert!(matches!(
        catalogue.satellite_seen(RecorderId([7; 16]), UtcMicros(1), None),
        Err(CatalogueError::NotThere { .. })
    ));
}

pub(super) fn a_recording_learns_late_how_its_entry_ended(catalogue: &Catalogue) {
    let mut row = tests::row(1);
    row.facts.end = LedgerEnd::Partly(Partly::Crash);
    let facts = row.facts.clone();
    let entry = |ending| LedgerRow {
        recorder_id: facts.recorder_id,
        ledger_no: facts.ledger_no,
        reference: facts.reference,
        recording_id: facts.recording_id,
        opened_at: facts.started_at,
        ending,
        caller: String::new(),
        called: String::new(),
    };
    let named = LedgerRow { caller: "27115550001".into(), ..entry(None) };
    catalogue.insert_batch(vec![row], vec![named]).unwrap();
    let other = LedgerRow {
        ledger_no: LedgerNo(77),
        recording_id: RecordingId([77; 16]),
        ..entry(Some(LedgerEnding { end: LedgerEnd::Recorded, rule: None, at: UtcMicros(9) }))
    };
    catalogue.ledger_told(vec![entry(None), other]).unwrap();
    let end = || catalogue.recording(facts.recording_id).unwrap().unwrap().facts.end;
    assert_eq!(end(), LedgerEnd::Partly(Partly::Crash), "nothing is known of its end");
    let ending = LedgerEnding { end: LedgerEnd::Recorded, rule: None, at: UtcMicros(9) };
    catalogue.ledger_told(vec![entry(Some(ending))]).unwrap();
    assert_eq!(end(), LedgerEnd::Recorded);
    let told = catalogue.ledger_entry(facts.recorder_id, facts.ledger_no).unwrap().unwrap();
    assert_eq!((told.ending, told.caller.as_str()), (Some(ending), "27115550001"));
    assert_eq!(catalogue.ledger_entry(RecorderId([99; 16]), facts.ledger_no).unwrap(), None);
}
