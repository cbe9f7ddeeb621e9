//! Users and sessions.

use shared::UtcMicros;

use crate::*;

fn user(name: &str, role: UserRole) -> User {
    User { name: name.into(), role, scope: "{}".into(), locale: "en".into(), ..User::default() }
}

pub(super) fn a_user_comes_back_as_put(catalogue: &Catalogue) {
    let mut full = User {
        display: "Thandi N.".into(),
        password_phc: Some("$argon2id$..".into()),
        totp_secret: Some(vec![1, 2, 3]),
        totp_last_step: Some(7),
        failures: 2,
        locked_until: Some(UtcMicros(99)),
        created_at: UtcMicros(5),
        link_digest: Some([4; 32]),
        link_until: Some(UtcMicros(100)),
        ..user("thandi", UserRole::Administrator)
    };
    full.id = catalogue.put_user(&full).unwrap();
    assert_eq!(catalogue.user(full.id).unwrap().as_ref(), Some(&full));
    assert_eq!(catalogue.user_by_name(" THANDI ").unwrap().as_ref(), Some(&full));
    assert_eq!(catalogue.user_by_link(&[4; 32]).unwrap().as_ref(), Some(&full));
    (full.password_phc, full.totp_secret, full.role) = (None, None, UserRole::Auditor);
    catalogue.put_user(&user("admin", UserRole::Administrator)).unwrap();
    assert!(catalogue.change_user(&full).unwrap(), "she is there");
    assert_eq!(catalogue.user(full.id).unwrap().as_ref(), Some(&full));
    assert_eq!(
        catalogue.users().unwrap().iter().map(|u| u.name.as_str()).collect::<Vec<_>>(),
        ["admin", "thandi"]
    );
    let shown = format!("{full:?}");
    assert!(!shown.contains("argon2id") && !shown.contains("[1, 2, 3]"), "secrets are not printed: {shown}");
}

pub(super) fn names_are_unique_however_they_are_written(catalogue: &Catalogue) {
    catalogue.put_user(&user("zoe", UserRole::Agent)).unwrap();
    for name in ["zoe", "ZOE", " Zoë "] {
        let again = catalogue.put_user(&user(name, UserRole::Agent));
        assert!(matches!(again, Err(CatalogueError::Taken { .. })), "{name}");
    }
    assert!(matches!(catalogue.put_user(&user(" ", UserRole::Agent)), Err(CatalogueError::Length { .. })));
    assert!(
        !catalogue.change_user(&User { id: UserId(77), ..user("new", UserRole::Agent) }).unwrap(),
        "nobody"
    );
}

pub(super) fn the_last_administrator_stays(catalogue: &Catalogue) {
    let mut admin = user("admin", UserRole::Administrator);
    admin.id = catalogue.put_user(&admin).unwrap();
    for changed in
        [User { disabled: true, ..admin.clone() }, User { role: UserRole::Supervisor, ..admin.clone() }]
    {
        assert!(matches!(catalogue.change_user(&changed), Err(CatalogueError::LastAdministrator)));
    }
    assert_eq!(catalogue.user(admin.id).unwrap(), Some(admin.clone()), "nothing was changed");
    catalogue.put_user(&user("second", UserRole::Administrator)).unwrap();
    assert!(catalogue.change_user(&User { disabled: true, ..admin }).unwrap(), "there is another");
}

pub(super) fn a_code_and_a_link_work_once(catalogue: &Catalogue) {
    let new =
        User { link_digest: Some([4; 32]), link_until: Some(UtcMicros(100)), ..user("a", UserRole::Agent) };
    let id = catalogue.put_user(&new).unwrap();
    assert!(catalogue.take_totp_step(id, 10).unwrap(), "first");
    assert!(!catalogue.take_totp_step(id, 10).unwrap(), "no step twice");
    assert!(!catalogue.take_totp_step(id, 9).unwrap(), "nor an earlier one");
    assert!(catalogue.take_totp_step(id, 11).unwrap(), "the next");
    assert_eq!(catalogue.use_link(&[4; 32], UtcMicros(100)).unwrap(), None, "its time is over");
    assert_eq!(catalogue.use_link(&[5; 32], UtcMicros(99)).unwrap(), None, "another link");
    let used = catalogue.use_link(&[4; 32], UtcMicros(99)).unwrap().unwrap();
    assert_eq!((used.id, used.link_digest), (id, None));
    assert_eq!(catalogue.use_link(&[4; 32], UtcMicros(99)).unwrap(), None, "used up");
}

pub(super) fn sessions_are_listed_touched_and_ended(catalogue: &Catalogue) {
    let user = catalogue.put_user(&user("a", UserRole::Agent)).unwrap();
    let session = |n: u8| Session {
        digest: [n; 32],
        user,
        created_at: UtcMicros(n.into()),
        seen_at: UtcMicros(n.into()),
        ends_at: UtcMicros(i64::from(n) * 100),
        step: SessionStep::PasswordDone,
        address: "10.0.0.5".into(),
        agent: "Firefox".into(),
    };
    for n in 1..=4 {
        catalogue.put_session(&session(n)).unwrap();
    }
    let complete = Session { step: SessionStep::Complete, ..session(2) };
    catalogue.put_session(&complete).unwrap();
    catalogue.touch_session(&[2; 32], UtcMicros(50)).unwrap();
    let (found, owner) = catalogue.session(&[2; 32]).unwrap().unwrap();
    assert_eq!((found, owner.id), (Session { seen_at: UtcMicros(50), ..complete }, user));
    let list = || catalogue.sessions_of(user).unwrap().iter().map(|s| s.digest[0]).collect::<Vec<_>>();
    assert_eq!(list(), [4, 3, 2, 1]);
    assert!(catalogue.drop_session(&[4; 32]).unwrap(), "it was there");
    assert!(!catalogue.drop_session(&[4; 32]).unwrap(), "it had ended");
    assert_eq!(catalogue.drop_ended_sessions(UtcMicros(100)).unwrap(), 1);
    assert_eq!(catalogue.drop_sessions_of(user, Some(&[3; 32])).unwrap(), 1);
    assert_eq!(list(), [3]);
    assert_eq!(catalogue.drop_sessions_of(user, None).unwrap(), 1);
    assert_eq!(catalogue.session(&[3; 32]).unwrap(), None);
}
