//! What both databases must do, run on both. PostgreSQL is started here, in a folder of its own; without it: `skipped:`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "tests"
)]

mod archive;
mod audit;
mod bad;
mod keeping;
mod labels;
mod lists;
mod logged;
mod people;
mod postgres;
mod purge;
mod restore;
mod satellites;
mod search;
mod watched;
mod world;

use crate::{Catalogue, CatalogueKey};
use shared::UtcMicros;

/// A catalogue on one of the databases, and what must live as long as it.
pub(crate) struct Fresh {
    pub(crate) catalogue: Catalogue,
    _folder: Option<tempfile::TempDir>,
}

impl std::ops::Deref for Fresh {
    type Target = Catalogue;

    fn deref(&self) -> &Catalogue {
        &self.catalogue
    }
}

fn on_sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let key = CatalogueKey::new([7; 32]);
    let catalogue = Catalogue::create(&folder.path().join("c.db"), &key, UtcMicros(1)).unwrap();
    Fresh { catalogue, _folder: Some(folder) }
}

fn on_postgres() -> Option<Fresh> {
    let url = postgres::new_database()?;
    let catalogue = Catalogue::open_postgres(&url, UtcMicros(1)).unwrap();
    Some(Fresh { catalogue, _folder: None })
}

/// Makes two tests of each function: one for each database.
macro_rules! both {
    ($($module:ident :: $name:ident)+) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$module::$name(&super::on_sqlite());
            })+
        }
        mod postgresql {
            $(#[test]
            fn $name() {
                match super::on_postgres() {
                    Some(fresh) => super::$module::$name(&fresh),
                    None => eprintln!("skipped: needs postgresql (Debian: apt install postgresql)"),
                }
            })+
        }
    };
}

both! {
    search::every_filter_finds_its_own
    search::words_are_found_wherever_they_stand
    search::digits_of_any_length_and_script_are_found
    search::pages_lead_forth_and_back_in_both_orders
    search::what_a_scope_does_not_see_is_as_if_it_were_not_there
    search::a_random_search_finds_what_looking_at_each_recording_finds
    search::texts_are_taken_literally
    search::counts_stop_at_their_limit
    search::a_part_that_comes_late_moves_its_recording_and_all_that_leads_to_it
    search::recordings_of_one_microsecond_stay_apart
    search::calls_are_linked_within_a_scope
    lists::a_list_shows_what_its_recordings_say
    lists::numbers_of_any_length_are_found_by_any_part
    logged::a_part_has_its_leaf_or_waits_for_one
    archive::locations_and_media_come_back_as_entered
    archive::what_is_due_goes_by_leaves
    archive::a_run_is_proven_at_once_or_not_at_all
    archive::numbers_and_manifests_only_grow
    archive::a_day_shows_what_its_recordings_say
    bad::what_is_found_bad_is_due_again_until_a_good_copy_is_proven
    restore::a_database_from_a_backup_believes_less
    labels::labels_are_kept_with_their_history
    labels::labels_lead_to_their_recording_until_they_go
    labels::a_hold_is_found_and_released
    labels::what_is_marked_while_a_call_goes_on_hangs_on_its_recording
    labels::labels_of_nothing_and_texts_without_end_are_refused
    purge::what_bears_on_a_purge_is_seen_at_one_moment
    purge::a_purge_goes_forward_only_and_by_judgement
    keeping::a_hold_by_order_covers_what_a_search_by_it_finds
    keeping::a_change_of_a_rule_is_applied_once_and_in_its_time
    watched::a_notice_stands_until_it_is_true_no_more
    watched::what_was_looked_at_and_stopped_is_remembered
    watched::days_are_counted_as_they_are_logged
    satellites::an_invitation_brings_one_satellite_once
    satellites::wrong_proofs_close_every_invitation
    satellites::a_satellite_is_seen_renewed_and_revoked
    satellites::a_recording_learns_late_how_its_entry_ended
    people::a_user_comes_back_as_put
    people::names_are_unique_however_they_are_written
    people::the_last_administrator_stays
    people::a_code_and_a_link_work_once
    people::sessions_are_listed_touched_and_ended
    audit::the_chain_holds_and_a_change_shows
    audit::many_at_once_share_commits_and_get_numbers_without_holes
    audit::pages_are_filtered_and_go_on
}
