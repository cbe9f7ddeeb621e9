//! Signing in and out: password or one-time link, then the second factor, then a session with a cookie of its own.
//!
//! What must hold:
//! 1. A name that nobody has answers in the same words and after the same work as a wrong password.
//! 2. Guesses are counted before another one is judged: at most two passwords are digested at once, codes and links one at a time.
//! 3. A link works once, a code works once, and each step gets a new cookie.
//! 4. A session is complete only when nothing of the sign-in is left; until then it opens nothing but the next step.

use api::{LinkToken, NewPassword, Next, SignInAnswer, TotpCode, TotpEnrolment, TotpRule};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use shared::UtcMicros;
use vault::{AuditEntry, Outcome, Session, SessionStep, User, UserId, Vault};

use crate::caller::{Caller, ends_at, json, write_down};
use crate::doors::Doors;
use crate::guard::{COOKIE, Stranger};
use crate::lockout::{Attempt, locked_until, seconds_left};
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body};
use crate::token::Token;
use crate::{password, people, totp};

/// How long a sign-in may take from the first step to the last.
const UNFINISHED_US: i64 = 600_000_000;
const TAG: &str = "Sign-in";
const ENROLMENT: &str = "amethyst totp enrolment 1";

pub(crate) fn register(routes: &mut Routes) {
    let spec = |summary, door| Spec::new(TAG, summary, door).guarded_against_guessing();
    routes.add(
        Method::POST,
        "/sign-in",
        spec("Takes a name and a password", Door::Open)
            .body::<api::SignIn>()
            .answers::<SignInAnswer>(200)
            .may(&[401]),
        with_password,
    );
    routes.add(
        Method::POST,
        "/sign-in/link",
        spec("Takes a one-time link", Door::Open)
            .body::<LinkToken>()
            .answers::<SignInAnswer>(200)
            .may(&[401]),
        with_link,
    );
    routes.add(
        Method::POST,
        "/sign-in/totp",
        spec("Takes a code of the authenticator", Door::Half)
            .body::<TotpCode>()
            .answers::<SignInAnswer>(200)
            .may(&[409]),
        with_code,
    );
    routes.add(
        Method::POST,
        "/sign-in/password",
        spec("Chooses a password after a one-time link", Door::Half)
            .body::<NewPassword>()
            .answers::<SignInAnswer>(200)
            .may(&[409, 422]),
        choose_password,
    );
    routes.add(
        Method::POST,
        "/sign-in/enrol-totp",
        spec("Gives what an authenticator needs", Door::Half).answers::<TotpEnrolment>(200).may(&[409]),
        enrol,
    );
    routes.add(
        Method::POST,
        "/sign-in/enrol-totp/confirm",
        spec("Takes the first code of a new authenticator", Door::Half)
            .body::<TotpCode>()
            .answers::<SignInAnswer>(200)
            .may(&[409]),
        confirm,
    );
    routes.add(
        Method::POST,
        "/sign-out",
        Spec::new(TAG, "Ends the session", Door::Half).empty(204),
        sign_out,
    );
}

async fn with_password(
    axum::extract::State(doors): axum::extract::State<Doors>,
    stranger: Stranger,
    Body(given): Body<api::SignIn>,
) -> Answer<Response> {
    let _place = doors.password_place().await?;
    let now = doors.now();
    let from = Attempt::Address(stranger.ip);
    if let Some(wait) = doors.lockout().wait_s(&from, now) {
        return Err(Refusal::too_many(wait));
    }
    let name: String = given.name.trim().to_lowercase().chars().take(100).collect();
    let user = doors.vault({
        let name = name.clone();
        move |vault| vault.user_by_name(&name)
    });
    let user = user.await?;
    refuse_while_locked(&doors, user.as_ref(), &name, now)?;
    let phc = user.as_ref().filter(|user| !user.disabled).and_then(|user| user.password_phc.clone());
    let fits = doors.digesting(move || password::fits(&given.password, phc.as_deref())).await?;
    match user {
        Some(user) if fits => {
            doors.lockout().right(&from);
            after_password(&doors, user, &stranger, None).await
        }
        user => {
            doors.lockout().wrong(from, now);
            match &user {
                Some(user) => count_wrong(&doors, user.id, now).await?,
                None => doors.lockout().wrong(Attempt::Name(name.clone()), now),
            }
            refuse(&doors, user.as_ref(), &name, &stranger, "password").await?;
            Err(Refusal::not_right("Name or password is not right."))
        }
    }
}

async fn with_link(
    axum::extract::State(doors): axum::extract::State<Doors>,
    stranger: Stranger,
    Body(given): Body<LinkToken>,
) -> Answer<Response> {
    let _alone = doors.one_at_a_time().await;
    let now = doors.now();
    let from = Attempt::Address(stranger.ip);
    if let Some(wait) = doors.lockout().wait_s(&from, now) {
        return Err(Refusal::too_many(wait));
    }
    let digest = Token::parse(given.token.trim()).map_or([0; 32], |token| token.digest());
    let found = doors.vault(move |vault| vault.user_by_link(&digest)).await?;
    let open = |user: &User| !user.disabled && user.link_until.is_some_and(|until| now < until);
    let Some(user) = found.filter(open) else {
        doors.lockout().wrong(from, now);
        refuse(&doors, None, "", &stranger, "link").await?;
        return Err(Refusal::not_right("This link was used already, or its time is over."));
    };
    note(&doors, &user, &stranger, None, "sign-in-link").await?;
    doors
        .amend(user.id, |user| {
            user.link_digest = None;
            user.link_until = None;
            user.password_phc = None;
            forgive(user);
        })
        .await?;
    let id = user.id;
    doors.vault(move |vault| vault.drop_sessions_of(id, None)).await?;
    let token = Token::new(doors.dice());
    begin(&doors, &user, &stranger, SessionStep::PasswordDone, &token).await?;
    Ok(answer(Next::SetPassword, Some(user.name), &token))
}

async fn choose_password(
    caller: Caller,
    stranger: Stranger,
    Body(given): Body<NewPassword>,
) -> Answer<Response> {
    let doors = caller.doors.clone();
    if caller.is_complete() || caller.user.password_phc.is_some() {
        return Err(Refusal::conflict(
            "There is a password already: change it with PUT /api/v1/me/password.",
        ));
    }
    password::judge(&given.password, &caller.user.name).map_err(Refusal::not_acceptable)?;
    let place = doors.password_place().await?;
    let phc = new_digest(&doors, given.password).await?;
    drop(place);
    caller.audit("user-password", Some(named(&caller.user)), &[]).await?;
    let user = doors.amend(caller.user.id, move |user| user.password_phc = Some(phc)).await?;
    after_password(&doors, user, &stranger, Some(&caller)).await
}

async fn with_code(caller: Caller, stranger: Stranger, Body(given): Body<TotpCode>) -> Answer<Response> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    let user = fresh(&caller).await?;
    let now = doors.now();
    let wrapped = match &user.totp_secret {
        Some(wrapped) if !caller.is_complete() && user.password_phc.is_some() => wrapped.clone(),
        _ => return Err(Refusal::conflict("No code is asked for at this step of the sign-in.")),
    };
    refuse_while_locked(&doors, Some(&user), "", now)?;
    let secret = doors.host().open_secret(&wrapped).ok_or_else(Refusal::internal)?;
    let (id, step) = (user.id, totp::accept(&secret, &given.code, now, user.totp_last_step));
    let taken = match step {
        Some(step) => doors.vault(move |vault| vault.take_totp_step(id, step)).await?,
        None => false,
    };
    if !taken {
        count_wrong(&doors, id, now).await?;
        refuse(&doors, Some(&user), &user.name, &stranger, "code").await?;
        return Err(Refusal::not_right(
            "The code is not right, or it was used already. Wait for the next one.",
        ));
    }
    complete(&doors, user, &stranger, Some(&caller)).await
}

async fn enrol(caller: Caller) -> Answer<Json<TotpEnrolment>> {
    enrolment_is_open(&caller)?;
    let derived = caller.token().derive(ENROLMENT);
    let secret = derived.first_chunk::<20>().ok_or_else(Refusal::internal)?;
    let uri = totp::uri(&caller.doors.host().site().name, &caller.user.name, secret);
    let qr_svg = totp::picture(&uri).ok_or_else(Refusal::internal)?;
    Ok(Json(TotpEnrolment { secret: totp::base32(secret), uri, qr_svg }))
}

async fn confirm(caller: Caller, stranger: Stranger, Body(given): Body<TotpCode>) -> Answer<Response> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    enrolment_is_open(&caller)?;
    let derived = caller.token().derive(ENROLMENT);
    let secret = derived.first_chunk::<20>().ok_or_else(Refusal::internal)?;
    let Some(step) = totp::accept(secret, &given.code, doors.now(), None) else {
        return Err(Refusal::not_right(
            "The code is not right: check the clock of the device that shows it.",
        ));
    };
    caller.audit("user-totp", Some(named(&caller.user)), &[]).await?;
    let wrapped = doors.host().seal_secret(secret);
    let user = doors
        .amend(caller.user.id, move |user| {
            user.totp_secret = Some(wrapped);
            user.totp_last_step = Some(step);
        })
        .await?;
    if caller.is_complete() {
        return Ok(Json(SignInAnswer { next: Next::Done, name: None }).into_response());
    }
    complete(&doors, user, &stranger, Some(&caller)).await
}

async fn sign_out(caller: Caller) -> Answer<Response> {
    let digest = caller.session.digest;
    caller.audit("sign-out", None, &[]).await?;
    caller.doors.vault(move |vault| vault.drop_session(&digest)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    set_cookie(headers, "", 0);
    Ok(response)
}

/// Goes on after the password was right: to the second factor, to its enrolment, or to the end.
async fn after_password(
    doors: &Doors,
    user: User,
    stranger: &Stranger,
    former: Option<&Caller>,
) -> Answer<Response> {
    let rule = doors.settings().await?.web.totp;
    let next = match (&user.totp_secret, people::role(user.role), rule) {
        (Some(_), _, _) => Next::Totp,
        (None, api::Role::Administrator, TotpRule::Required) => Next::EnrolTotp,
        (None, _, _) => return complete(doors, user, stranger, former).await,
    };
    let token = Token::new(doors.dice());
    begin(doors, &user, stranger, SessionStep::PasswordDone, &token).await?;
    forget(doors, former).await?;
    Ok(answer(next, None, &token))
}

/// Ends the sign-in: the account's wrong attempts are forgiven, and a complete session replaces the half one.
async fn complete(
    doors: &Doors,
    user: User,
    stranger: &Stranger,
    former: Option<&Caller>,
) -> Answer<Response> {
    if user.failures > 0 || user.locked_until.is_some() {
        doors.amend(user.id, forgive).await?;
    }
    let token = Token::new(doors.dice());
    note(doors, &user, stranger, Some(&token), "sign-in").await?;
    begin(doors, &user, stranger, SessionStep::Complete, &token).await?;
    forget(doors, former).await?;
    Ok(answer(Next::Done, None, &token))
}

async fn begin(
    doors: &Doors,
    user: &User,
    stranger: &Stranger,
    step: SessionStep,
    token: &Token,
) -> Answer<()> {
    let now = doors.now();
    let ends_at = if step == SessionStep::Complete { ends_at(now) } else { now.plus(UNFINISHED_US) };
    let session = Session {
        digest: token.digest(),
        user: user.id,
        created_at: now,
        seen_at: now,
        ends_at,
        step,
        address: stranger.ip.to_string(),
        agent: stranger.agent.clone(),
    };
    let enter = move |vault: &Vault| {
        vault.drop_ended_sessions(now)?;
        vault.put_session(&session)
    };
    doors.vault(enter).await
}

async fn forget(doors: &Doors, former: Option<&Caller>) -> Answer<()> {
    let Some(digest) = former.map(|caller| caller.session.digest) else { return Ok(()) };
    doors.vault(move |vault| vault.drop_session(&digest)).await.map(|_| ())
}

pub(crate) async fn fresh(caller: &Caller) -> Answer<User> {
    let id = caller.user.id;
    caller.doors.vault(move |vault| vault.user(id)).await?.ok_or_else(Refusal::sign_in_first)
}

/// Forgets the wrong attempts of an account.
pub(crate) const fn forgive(user: &mut User) {
    user.failures = 0;
    user.locked_until = None;
}

/// Digests a new password with fresh salt.
pub(crate) async fn new_digest(doors: &Doors, password: String) -> Answer<String> {
    let salt = doors.dice();
    doors.digesting(move || password::digest(&password, salt)).await?.ok_or_else(Refusal::internal)
}

/// Counts a wrong password or code against an account.
pub(crate) async fn count_wrong(doors: &Doors, id: UserId, now: UtcMicros) -> Answer<()> {
    let count = move |user: &mut User| {
        user.failures = user.failures.saturating_add(1);
        user.locked_until = locked_until(user.failures, now);
    };
    doors.amend(id, count).await.map(|_| ())
}

/// Refuses while an account, or a name that nobody has, waits after wrong attempts.
pub(crate) fn refuse_while_locked(
    doors: &Doors,
    user: Option<&User>,
    name: &str,
    now: UtcMicros,
) -> Answer<()> {
    let wait = match user {
        Some(user) => user.locked_until.and_then(|until| seconds_left(until, now)),
        None => doors.lockout().wait_s(&Attempt::Name(name.to_owned()), now),
    };
    wait.map_or(Ok(()), |seconds| Err(Refusal::too_many(seconds)))
}

fn enrolment_is_open(caller: &Caller) -> Answer<()> {
    if caller.user.totp_secret.is_some() {
        return Err(Refusal::conflict("An authenticator is enrolled: an administrator can remove it."));
    }
    if caller.user.password_phc.is_none() {
        return Err(Refusal::conflict("Choose a password first."));
    }
    Ok(())
}

fn named(user: &User) -> vault::AuditObject {
    vault::AuditObject::Named(user.name.clone())
}

async fn note(
    doors: &Doors,
    user: &User,
    stranger: &Stranger,
    token: Option<&Token>,
    act: &'static str,
) -> Answer<()> {
    let session = token.and_then(|token| token.digest().first_chunk::<8>().copied());
    let entry = AuditEntry {
        at: doors.now(),
        actor: Some(user.id),
        actor_name: user.name.clone(),
        session,
        address: stranger.ip.to_string(),
        act,
        object: None,
        outcome: Outcome::Ok,
        details: json(&[("agent", stranger.agent.clone())]),
    };
    write_down(doors, entry).await
}

/// Writes a refused sign-in into the audit log.
pub(crate) async fn refuse(
    doors: &Doors,
    user: Option<&User>,
    name: &str,
    stranger: &Stranger,
    what: &str,
) -> Answer<()> {
    let entry = AuditEntry {
        at: doors.now(),
        actor: user.map(|user| user.id),
        actor_name: name.to_owned(),
        session: None,
        address: stranger.ip.to_string(),
        act: "sign-in-refused",
        object: None,
        outcome: Outcome::Refused,
        details: json(&[("wrong", what.to_owned())]),
    };
    write_down(doors, entry).await
}

fn answer(next: Next, name: Option<String>, token: &Token) -> Response {
    let mut response = Json(SignInAnswer { next, name }).into_response();
    set_cookie(response.headers_mut(), &token.expose(), 12 * 3_600);
    response
}

fn set_cookie(headers: &mut HeaderMap, value: &str, seconds: u32) {
    let text = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    headers.extend(HeaderValue::from_str(&text).ok().map(|value| (header::SET_COOKIE, value)));
}
