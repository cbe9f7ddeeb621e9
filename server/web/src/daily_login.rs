//! The login that opens archives today, for administrators: after a fresh code of their own authenticator, and never before the logs
//! say that it is given out.
//!
//! A wrong code counts as one at the sign-in does, and waits as long. The host enters and derives; nothing here can do the one
//! without the other.

use api::{AskDailyLogin, DailyLogin};
use axum::Json;
use axum::http::Method;
use vault::{By, Outcome, RELEASE_ACT};

use crate::act::Act;
use crate::archive::text;
use crate::caller::Caller;
use crate::host::LoginAsked;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::sign_in::{count_wrong, fresh, refuse_while_locked};
use crate::take::{Answer, Body};
use crate::totp;

/// The longest name and the longest reason, in characters.
const WORDS_MAX: usize = 200;

pub(crate) fn register(routes: &mut Routes) {
    routes.add(
        Method::POST,
        "/daily-login",
        Spec::new("Daily login", "Shows the login that opens archives today", Door::Act(Act::DailyLogin))
            .guarded_against_guessing()
            .body::<AskDailyLogin>()
            .answers::<DailyLogin>(200)
            .may(&[409, 422]),
        show,
    );
}

async fn show(caller: Caller, Body(asked): Body<AskDailyLogin>) -> Answer<Json<DailyLogin>> {
    let receiver = text("receiver", &asked.receiver, 1, WORDS_MAX)?;
    let reason = text("reason", &asked.reason, 1, WORDS_MAX)?;
    step_up(&caller, &asked.code).await?;
    let by = By { user: Some(caller.user.id), name: caller.user.name.clone(), at: caller.doors.now() };
    let session = caller.session.digest.first_chunk::<8>().copied();
    let asked = LoginAsked { receiver, reason, by, session, address: caller.address.clone() };
    caller.doors.blocking(move |host| host.daily_login(&asked)).await.map(Json)
}

/// Takes a fresh code of the caller's authenticator, once.
///
/// # Errors
/// None is enrolled, the account waits, or the code is wrong: then it is counted and written down.
async fn step_up(caller: &Caller, code: &str) -> Answer<()> {
    let doors = &caller.doors;
    let _alone = doors.one_at_a_time().await;
    let (user, now) = (fresh(caller).await?, doors.now());
    let wrapped = user.totp_secret.as_ref().ok_or_else(|| {
        Refusal::conflict("Set up an authenticator for your account first: its code is asked for here.")
    })?;
    refuse_while_locked(doors, Some(&user), "", now)?;
    let secret = doors.host().open_secret(wrapped).ok_or_else(Refusal::internal)?;
    let (id, step) = (user.id, totp::accept(&secret, code, now, user.totp_last_step));
    let taken = match step {
        Some(step) => doors.vault(move |vault| vault.take_totp_step(id, step)).await?,
        None => false,
    };
    if taken {
        return Ok(());
    }
    count_wrong(doors, id, now).await?;
    caller.write(RELEASE_ACT, None, &[("wrong", "code".to_owned())], Outcome::Refused).await?;
    Err(Refusal::not_acceptable("The code is not right, or it was used already. Wait for the next one."))
}
