//! Accounts: an administrator makes, changes and shuts them, gives one-time links, unlocks, and ends sessions.
//!
//! An account is never deleted: its name stands in the audit log and on what its owner wrote. The last administrator who can
//! sign in cannot be shut or lose the role, and nobody shuts themselves out.

use api::{ChangeUser, NewUser, OneTimeLink, Sessions, Users};
use axum::Json;
use axum::http::{Method, StatusCode};
use shared::{UtcMicros, Zone};
use vault::{AuditObject, User, UserId, UserRole, Vault};

use crate::act::Act;
use crate::caller::Caller;
use crate::doors::Doors;
use crate::lockout::seconds_left;
use crate::me;
use crate::people::{check_scope, role, scope_of, scope_text, sign_in_name, user_role};
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::sign_in::forgive;
use crate::take::{Answer, Body, Names};
use crate::token::Token;

/// How long a one-time link works.
const LINK_US: i64 = 24 * 3_600_000_000;
const TAG: &str = "Users";

pub(crate) fn register(routes: &mut Routes) {
    let users = |summary| Spec::new(TAG, summary, Door::Act(Act::Users));
    let sessions = |summary| Spec::new(TAG, summary, Door::Act(Act::Sessions));
    routes.add(Method::GET, "/users", users("Lists all users").answers::<Users>(200), list);
    routes.add(
        Method::POST,
        "/users",
        users("Makes a user").body::<NewUser>().answers::<api::User>(201).may(&[409, 422]),
        make,
    );
    routes.add(Method::GET, "/users/{id}", users("Shows a user").answers::<api::User>(200), show);
    routes.add(
        Method::PATCH,
        "/users/{id}",
        users("Changes a user").body::<ChangeUser>().answers::<api::User>(200).may(&[409, 422]),
        edit,
    );
    routes.add(
        Method::DELETE,
        "/users/{id}",
        users("Shuts an account; its sessions end at once").empty(204).may(&[409]),
        shut,
    );
    routes.add(
        Method::POST,
        "/users/{id}/link",
        users("Makes a one-time link that lets its owner choose a password")
            .answers::<OneTimeLink>(200)
            .may(&[409]),
        link,
    );
    routes.add(Method::POST, "/users/{id}/unlock", users("Forgives wrong passwords").empty(204), unlock);
    routes.add(
        Method::DELETE,
        "/users/{id}/totp",
        users("Removes the authenticator; its sessions end").empty(204),
        remove_totp,
    );
    routes.add(
        Method::GET,
        "/users/{id}/sessions",
        sessions("Lists the sessions of a user").answers::<Sessions>(200),
        list_sessions,
    );
    routes.add(
        Method::DELETE,
        "/users/{id}/sessions",
        sessions("Ends all sessions of a user").empty(204),
        end_sessions,
    );
    routes.add(
        Method::DELETE,
        "/users/{id}/sessions/{session}",
        sessions("Ends one session of a user").empty(204),
        end_session,
    );
}

async fn list(caller: Caller) -> Answer<Json<Users>> {
    let mut all = caller.doors.vault(|vault| vault.users()).await?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let (zone, now) = (caller.doors.host().zone(), caller.doors.now());
    Ok(Json(Users { users: all.iter().map(|user| shown(user, zone, now)).collect() }))
}

async fn show(caller: Caller, Names([id]): Names<1>) -> Answer<Json<api::User>> {
    let user = find(&caller.doors, &id).await?;
    Ok(Json(shown(&user, caller.doors.host().zone(), caller.doors.now())))
}

async fn make(caller: Caller, Body(wish): Body<NewUser>) -> Answer<(StatusCode, Json<api::User>)> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    let name = sign_in_name(&wish.name).map_err(Refusal::not_acceptable)?;
    let settings = doors.settings().await?;
    check_scope(wish.role, &wish.scope, &settings.groups).map_err(Refusal::not_acceptable)?;
    let taken = doors.vault({
        let name = name.clone();
        move |vault| vault.user_by_name(&name)
    });
    if taken.await?.is_some() {
        return Err(Refusal::conflict("There is a user of this name already, perhaps a shut one."));
    }
    let mut user = User {
        display: wish.display.as_deref().map_or_else(|| Ok(name.clone()), me::shown_name)?,
        role: user_role(wish.role),
        scope: scope_text(&wish.scope),
        locale: wish.locale.as_deref().map_or_else(|| Ok("en".to_owned()), me::language)?,
        created_at: doors.now(),
        name,
        ..User::default()
    };
    let details = [("role", user.role.word().to_owned()), ("scope", user.scope.clone())];
    caller.audit("user-make", Some(named(&user)), &details).await?;
    let put = user.clone();
    user.id = doors.vault(move |vault| vault.put_user(&put)).await?;
    Ok((StatusCode::CREATED, Json(shown(&user, doors.host().zone(), doors.now()))))
}

async fn edit(
    caller: Caller,
    Names([id]): Names<1>,
    Body(wish): Body<ChangeUser>,
) -> Answer<Json<api::User>> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    let before = find(&doors, &id).await?;
    let mut user = before.clone();
    if let Some(display) = &wish.display {
        user.display = me::shown_name(display)?;
    }
    if let Some(locale) = &wish.locale {
        user.locale = me::language(locale)?;
    }
    if let Some(role) = wish.role {
        user.role = user_role(role);
    }
    let scope = wish.scope.clone().unwrap_or_else(|| scope_of(&user));
    if wish.scope.is_some() || wish.role.is_some() {
        let settings = doors.settings().await?;
        check_scope(role(user.role), &scope, &settings.groups).map_err(Refusal::not_acceptable)?;
        user.scope = scope_text(&scope);
    }
    user.disabled = wish.disabled.unwrap_or(user.disabled);
    let loses = user.disabled && !before.disabled || user.role != before.role;
    if loses {
        keep_an_administrator(&doors, &caller, &before).await?;
    }
    let details = [
        ("role", user.role.word().to_owned()),
        ("scope", user.scope.clone()),
        ("disabled", user.disabled.to_string()),
    ];
    caller.audit("user-change", Some(named(&user)), &details).await?;
    let (id, wished) = (user.id, user);
    let change = move |user: &mut User| {
        user.display = wished.display;
        user.locale = wished.locale;
        user.role = wished.role;
        user.scope = wished.scope;
        user.disabled = wished.disabled;
    };
    let user = doors.amend(id, change).await?;
    if loses {
        doors.vault(move |vault| vault.drop_sessions_of(id, None)).await?;
    }
    Ok(Json(shown(&user, doors.host().zone(), doors.now())))
}

async fn shut(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    let user = find(&doors, &id).await?;
    keep_an_administrator(&doors, &caller, &user).await?;
    caller.audit("user-shut", Some(named(&user)), &[]).await?;
    let id = user.id;
    let change = |user: &mut User| {
        user.disabled = true;
        user.link_digest = None;
        user.link_until = None;
    };
    doors.amend(id, change).await?;
    doors.vault(move |vault| vault.drop_sessions_of(id, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn link(caller: Caller, Names([id]): Names<1>) -> Answer<Json<OneTimeLink>> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    let user = find(&doors, &id).await?;
    if user.disabled {
        return Err(Refusal::conflict("This account is shut: open it first."));
    }
    caller.audit("user-link", Some(named(&user)), &[]).await?;
    let (made, digest) = new_link(doors.now(), doors.dice());
    let until = made.until;
    let change = move |user: &mut User| {
        user.link_digest = Some(digest);
        user.link_until = Some(until);
    };
    doors.amend(user.id, change).await?;
    Ok(Json(OneTimeLink { link: made.path, until: doors.host().zone().rfc3339(until) }))
}

async fn unlock(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let doors = caller.doors.clone();
    let user = find(&doors, &id).await?;
    caller.audit("user-unlock", Some(named(&user)), &[]).await?;
    doors.amend(user.id, forgive).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_totp(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let doors = caller.doors.clone();
    let _alone = doors.one_at_a_time().await;
    let user = find(&doors, &id).await?;
    caller.audit("user-totp-removed", Some(named(&user)), &[]).await?;
    let id = user.id;
    let change = |user: &mut User| {
        user.totp_secret = None;
        user.totp_last_step = None;
    };
    doors.amend(id, change).await?;
    doors.vault(move |vault| vault.drop_sessions_of(id, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_sessions(caller: Caller, Names([id]): Names<1>) -> Answer<Json<Sessions>> {
    let user = find(&caller.doors, &id).await?;
    me::list(&caller, user.id).await
}

async fn end_sessions(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let user = find(&caller.doors, &id).await?;
    caller.audit("session-revoke", Some(named(&user)), &[("session", "all".to_owned())]).await?;
    caller.doors.vault(move |vault| vault.drop_sessions_of(user.id, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_session(caller: Caller, Names([id, session]): Names<2>) -> Answer<StatusCode> {
    let user = find(&caller.doors, &id).await?;
    me::revoke(&caller, user.id, &user.name, &session).await
}

/// A one-time link and how long it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The path at the server, with the secret behind `#`, which browsers never send.
    pub path: String,
    /// Until when.
    pub until: UtcMicros,
}

/// Makes a one-time link for the user `name`; makes the user as an administrator if there is no user at all.
///
/// For the program itself: the first start, and `amethyst user link`. `dice` are 32 fresh random octets.
///
/// # Errors
/// `None` if there are users and none has this name, or the account is shut; the vault's.
pub fn one_time_link(
    vault: &Vault,
    name: &str,
    now: UtcMicros,
    dice: [u8; 32],
) -> vault::Result<Option<Link>> {
    let found = vault.user_by_name(&name.trim().to_lowercase())?;
    let user = match found {
        Some(user) if user.disabled => return Ok(None),
        Some(user) => user,
        None if vault.users()?.is_empty() => {
            let Ok(name) = sign_in_name(name) else { return Ok(None) };
            let mut user = User {
                display: name.clone(),
                name,
                role: UserRole::Administrator,
                scope: scope_text(&api::Scope::default()),
                locale: "en".to_owned(),
                created_at: now,
                ..User::default()
            };
            user.id = vault.put_user(&user)?;
            user
        }
        None => return Ok(None),
    };
    let (link, digest) = new_link(now, dice);
    let user = User { link_digest: Some(digest), link_until: Some(link.until), ..user };
    vault.change_user(&user)?;
    Ok(Some(link))
}

fn new_link(now: UtcMicros, dice: [u8; 32]) -> (Link, [u8; 32]) {
    let token = Token::new(dice);
    (Link { path: format!("/link#{}", token.expose()), until: now.plus(LINK_US) }, token.digest())
}

async fn find(doors: &Doors, id: &str) -> Answer<User> {
    let id = UserId(id.parse().map_err(|_no_identity| Refusal::not_found())?);
    doors.vault(move |vault| vault.user(id)).await?.ok_or_else(Refusal::not_found)
}

/// Refuses to shut or demote whoever asks, and the last administrator who can sign in.
async fn keep_an_administrator(doors: &Doors, caller: &Caller, user: &User) -> Answer<()> {
    if user.id == caller.user.id {
        return Err(Refusal::conflict(
            "Nobody shuts their own account or changes their own role: ask another administrator.",
        ));
    }
    let works =
        |user: &User| user.role == UserRole::Administrator && !user.disabled && user.password_phc.is_some();
    let all = doors.vault(|vault| vault.users()).await?;
    if works(user) && !all.iter().any(|other| other.id != user.id && works(other)) {
        return Err(Refusal::conflict("This is the last administrator who can sign in."));
    }
    Ok(())
}

fn named(user: &User) -> AuditObject {
    AuditObject::Named(user.name.clone())
}

fn shown(user: &User, zone: &Zone, now: UtcMicros) -> api::User {
    let text = |at: UtcMicros| zone.rfc3339(at);
    api::User {
        id: user.id.to_string(),
        name: user.name.clone(),
        display: user.display.clone(),
        role: role(user.role),
        scope: scope_of(user),
        locale: user.locale.clone(),
        disabled: user.disabled,
        has_password: user.password_phc.is_some(),
        has_totp: user.totp_secret.is_some(),
        locked_until: user.locked_until.filter(|until| seconds_left(*until, now).is_some()).map(text),
        link_until: user.link_until.filter(|until| now < *until).map(text),
        created_at: text(user.created_at),
    }
}
