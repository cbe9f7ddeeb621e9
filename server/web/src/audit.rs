//! Reading the audit log, and checking its chain. Writing is [`Caller::audit`](crate::caller::Caller::audit).

use std::collections::BTreeMap;

use api::{AuditCheck, AuditEntry, AuditPage, AuditQuery};
use axum::Json;
use axum::http::Method;
use shared::Zone;
use vault::{AuditFilter, AuditRow};

use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Asked, bounded, instant};
use crate::token::hex;

const TAG: &str = "Audit log";
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 200;

pub(crate) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Audit));
    routes.add(
        Method::GET,
        "/audit",
        spec("Reads the audit log, the newest entries first").query::<AuditQuery>().answers::<AuditPage>(200),
        page,
    );
    routes.add(
        Method::GET,
        "/audit/check",
        spec("Checks that no entry was changed or taken out").answers::<AuditCheck>(200),
        check,
    );
}

async fn page(caller: Caller, Asked(asked): Asked<AuditQuery>) -> Answer<Json<AuditPage>> {
    let zone = caller.doors.host().zone();
    let time = |text: Option<String>, end| text.map(|text| instant(&text, zone, end)).transpose();
    let filter = AuditFilter {
        since: time(asked.since, false)?,
        until: time(asked.until, true)?,
        actor: bounded("actor", &asked.actor, 100)?.map(|name| name.to_lowercase()),
        act: bounded("act", &asked.act, 40)?,
        object: bounded("object", &asked.object, 100)?,
    };
    let after = asked.after.map(|text| text.parse::<u64>()).transpose();
    let after = after.map_err(|_no_number| Refusal::bad("`after` is the value `next` of a page."))?;
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Refusal::bad("`limit` is a number from 1 to 200."));
    }
    let found = caller.doors.vault(move |vault| vault.audit_page(&filter, after, limit)).await?;
    let zone = caller.doors.host().zone();
    let entries = found.rows.iter().map(|row| entry(row, zone)).collect();
    Ok(Json(AuditPage { entries, next: found.next.map(|number| number.to_string()) }))
}

async fn check(caller: Caller) -> Answer<Json<AuditCheck>> {
    let found = caller.doors.blocking_long(|host| host.vault().check_audit()).await?;
    let fault = found.broken_at.map(|number| {
        format!(
            "Entry {number} does not follow from the one before: it, or that one, was changed or taken out."
        )
    });
    Ok(Json(AuditCheck { ok: fault.is_none(), checked: found.checked, head: hex(&found.head), fault }))
}

fn entry(row: &AuditRow, zone: &Zone) -> AuditEntry {
    AuditEntry {
        number: row.number,
        at: zone.rfc3339(row.at),
        actor: row.actor.map(|id| id.to_string()),
        actor_name: row.actor_name.clone(),
        session: row.session.map(|octets| hex(&octets)),
        address: row.address.clone(),
        act: row.act.clone(),
        object: row.object.clone(),
        outcome: row.outcome.word().to_owned(),
        details: particulars(&row.details),
    }
}

fn particulars(text: &str) -> BTreeMap<String, String> {
    let members: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let plain = |value: serde_json::Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    members.into_iter().map(|(name, value)| (name, plain(value))).collect()
}
