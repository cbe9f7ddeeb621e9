//! Whoever is signed in, about themselves: name, language, password, sessions.

use api::{ChangeMe, ChangePassword, Me, MySite, MyUser, SessionInfo, Sessions};
use axum::Json;
use axum::http::{Method, StatusCode};
use shared::Zone;
use vault::{AuditObject, Session, SessionStep, User, UserId};

use crate::act::{Act, permissions};
use crate::caller::{Caller, session_name};
use crate::guard::Stranger;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::sign_in::{count_wrong, forgive, new_digest, refuse, refuse_while_locked};
use crate::take::{Answer, Body, Names};
use crate::{password, people};

const TAG: &str = "Own account";

pub(crate) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Own));
    routes.add(
        Method::GET,
        "/me",
        spec("Tells who is signed in, and what they may do").answers::<Me>(200),
        show,
    );
    routes.add(
        Method::PUT,
        "/me",
        spec("Changes one's own name or language").body::<ChangeMe>().answers::<Me>(200).may(&[422]),
        edit,
    );
    routes.add(
        Method::PUT,
        "/me/password",
        spec("Changes one's own password; all other sessions end")
            .guarded_against_guessing()
            .body::<ChangePassword>()
            .empty(204)
            .may(&[422]),
        change_password,
    );
    routes.add(
        Method::GET,
        "/me/sessions",
        spec("Lists one's own sessions").answers::<Sessions>(200),
        sessions,
    );
    routes.add(Method::DELETE, "/me/sessions/{id}", spec("Ends one of one's own sessions").empty(204), end);
}

async fn show(caller: Caller) -> Answer<Json<Me>> {
    Ok(Json(me(&caller)))
}

fn me(caller: &Caller) -> Me {
    let host = caller.doors.host();
    let (site, user, role) = (host.site(), &caller.user, caller.role());
    Me {
        user: MyUser {
            id: user.id.to_string(),
            name: user.name.clone(),
            display: caller.name().to_owned(),
            role,
            locale: user.locale.clone(),
        },
        permissions: permissions(role),
        scope: people::scope_of(user),
        site: MySite {
            name: site.name,
            zone: host.zone().name().to_owned(),
            version: site.version,
            fingerprint: site.fingerprint,
            demo: site.demo,
        },
        csrf: caller.csrf(),
        idle_seconds: caller.idle_seconds(),
        totp: user.totp_secret.is_some(),
    }
}

async fn edit(caller: Caller, Body(wish): Body<ChangeMe>) -> Answer<Json<Me>> {
    let display = wish.display.as_deref().map(shown_name).transpose()?;
    let locale = wish.locale.as_deref().map(language).transpose()?;
    let change = move |user: &mut User| {
        user.display = display.unwrap_or_else(|| user.display.clone());
        user.locale = locale.unwrap_or_else(|| user.locale.clone());
    };
    let user = caller.doors.amend(caller.user.id, change).await?;
    let mut caller = caller;
    caller.user = user.into();
    Ok(Json(me(&caller)))
}

/// Checks a name that is shown.
pub(crate) fn shown_name(text: &str) -> Answer<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 100 || text.chars().any(char::is_control) {
        return Err(Refusal::not_acceptable("A name has 1 to 100 characters and no control characters."));
    }
    Ok(text.to_owned())
}

/// Checks a language tag.
pub(crate) fn language(text: &str) -> Answer<String> {
    let fits = (2..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Refusal::not_acceptable("A language is a tag such as en or af."))
    }
}

async fn change_password(
    caller: Caller,
    stranger: Stranger,
    Body(given): Body<ChangePassword>,
) -> Answer<StatusCode> {
    let doors = caller.doors.clone();
    let user = &caller.user;
    password::judge(&given.new, &user.name).map_err(Refusal::not_acceptable)?;
    let place = doors.password_place().await?;
    refuse_while_locked(&doors, Some(user), "", doors.now())?;
    let phc = user.password_phc.clone();
    if !doors.digesting(move || password::fits(&given.old, phc.as_deref())).await? {
        count_wrong(&doors, user.id, doors.now()).await?;
        refuse(&doors, Some(user), &user.name, &stranger, "old password").await?;
        return Err(Refusal::not_right("The password until now is not right."));
    }
    let phc = new_digest(&doors, given.new).await?;
    drop(place);
    caller.audit("user-password", Some(AuditObject::Named(user.name.clone())), &[]).await?;
    let (id, digest) = (user.id, caller.session.digest);
    let change = move |user: &mut User| {
        user.password_phc = Some(phc);
        forgive(user);
    };
    doors.amend(id, change).await?;
    doors.vault(move |vault| vault.drop_sessions_of(id, Some(&digest))).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn sessions(caller: Caller) -> Answer<Json<Sessions>> {
    list(&caller, caller.user.id).await
}

async fn end(caller: Caller, Names([name]): Names<1>) -> Answer<StatusCode> {
    revoke(&caller, caller.user.id, &caller.user.name.clone(), &name).await
}

/// Lists the sessions of an account that are still alive, the newest first.
pub(crate) async fn list(caller: &Caller, user: UserId) -> Answer<Json<Sessions>> {
    let now = caller.doors.now();
    let mut all = caller.doors.vault(move |vault| vault.sessions_of(user)).await?;
    all.retain(|session| now < session.ends_at);
    all.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    let zone = caller.doors.host().zone();
    let sessions = all.iter().map(|session| info(session, &caller.session.digest, zone)).collect();
    Ok(Json(Sessions { sessions }))
}

/// Ends one session of an account, by its name.
pub(crate) async fn revoke(caller: &Caller, user: UserId, user_name: &str, name: &str) -> Answer<StatusCode> {
    let all = caller.doors.vault(move |vault| vault.sessions_of(user)).await?;
    let found =
        all.into_iter().find(|session| session_name(session) == name).ok_or_else(Refusal::not_found)?;
    let object = AuditObject::Named(user_name.to_owned());
    caller.audit("session-revoke", Some(object), &[("session", name.to_owned())]).await?;
    caller.doors.vault(move |vault| vault.drop_session(&found.digest)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn info(session: &Session, mine: &[u8; 32], zone: &Zone) -> SessionInfo {
    SessionInfo {
        id: session_name(session),
        current: session.digest == *mine,
        complete: session.step == SessionStep::Complete,
        created_at: zone.rfc3339(session.created_at),
        seen_at: zone.rfc3339(session.seen_at),
        ends_at: zone.rfc3339(session.ends_at),
        address: session.address.clone(),
        agent: session.agent.clone(),
    }
}
