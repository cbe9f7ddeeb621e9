//! Fills an empty catalogue with millions of recordings, as fast as the database can: for benches only.
//!
//! What is entered is what [`Catalogue::insert_batch`] would enter, made inside the database from numbers that look like dice:
//! three thousand extensions of which some talk much more than others, outside numbers of which some call again and again, calls
//! of seconds to hours, one in fifty with a gap, one in a hundred tagged, over a year or so.

mod archived;

use crate::{Catalogue, CatalogueError, Result, met};

pub use archived::MEDIUM;

/// The start of the first recording and the time from one to the next, in microseconds.
pub const FIRST_US: i64 = 1_760_000_000_000_000;
/// The time from one recording to the next.
pub const STEP_US: i64 = 3_100_000;

const BEFORE: &str = "pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off; pragma cache_size = -1000000; \
    drop index recording_in_order; drop index recording_by_day; drop index recording_by_reference; drop index recording_by_ledger; drop index call_link_by_call;";

const AFTER: &str = "create index recording_in_order on recording (order_key, facet_id, length_us, has_gap, held, who_a, who_b, more_parties); \
    create index recording_by_day on recording (day); \
    create index recording_by_reference on recording (reference); \
    create index recording_by_ledger on recording (recorder_id, ledger_no); \
    create index call_link_by_call on call_link (call_id, recording_id); \
    pragma journal_mode = wal;";

/// Recordings made by one statement.
const CHUNK: u64 = 500_000;

impl Catalogue {
    /// Enters `rows` recordings. `told` hears how far it is.
    ///
    /// # Errors
    /// The database's; then the catalogue is of no use.
    pub fn fill(&self, rows: u64, told: impl Fn(&str, u64)) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        self.script(BEFORE)?;
        let outside = (rows / 8).max(10);
        self.made(&dictionaries(outside))?;
        told("who", outside);
        let mut done = 0;
        while done < rows {
            let upto = rows.min(done + CHUNK);
            for text in recordings(done, upto, outside) {
                self.made(&text)?;
            }
            done = upto;
            told("recordings", done);
        }
        for text in postings() {
            self.made(&text)?;
        }
        told("postings", done);
        self.script(AFTER)?;
        told("indexes", done);
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let made = met::make(&mut conn, 0, i64::MAX).await;
            conn.end(made).await
        })?;
        told("sections", done);
        Ok(())
    }

    fn script(&self, text: &'static str) -> Result<()> {
        let db = self.db.clone();
        self.block(async move { db.writer().await?.script(text).await })
    }

    fn made(&self, text: &str) -> Result<()> {
        let (db, text) = (self.db.clone(), text.to_owned());
        self.block(async move {
            let mut conn = db.writer().await?;
            if !conn.is_sqlite() {
                return Err(CatalogueError::Damaged { what: "only SQLite is filled so" });
            }
            for one in text.split(';').filter(|one| !one.trim().is_empty()) {
                conn.run_of(one.to_owned(), vec![]).await?;
            }
            Ok(())
        })
    }
}

fn dictionaries(outside: u64) -> String {
    let names = "case n % 12 when 0 then 'Alice ' when 1 then 'Thandi ' when 2 then 'Johan ' when 3 then 'Zoe ' when 4 then 'Peter ' \
        when 5 then 'Naledi ' when 6 then 'Maria ' when 7 then 'Sipho ' when 8 then 'Anna ' when 9 then 'David ' when 10 then 'Lerato ' \
        else 'Chris ' end || case (n / 12) % 10 when 0 then 'Smith' when 1 then 'Naidoo' when 2 then 'Botha' when 3 then 'van Wyk' \
        when 4 then 'Dlamini' when 5 then 'Mokoena' when 6 then 'Jones' when 7 then 'Pillay' when 8 then 'Nkosi' else 'Muller' end";
    format!(
        "insert into facet (facet_id, tap_name, method, side, direction) \
           with recursive t(n) as (select 0 union all select n + 1 from t where n < 11) \
           select n + 1, 'tap ' || (n / 3), 0, (n / 3) % 2, 1 + n % 3 from t; \
         insert into who (who_id, number, extension, display, digits, words) \
           with recursive t(n) as (select 1 union all select n + 1 from t where n < 3000) \
           select n, 2999 + n, 2999 + n, {names}, 2999 + n, ' ' || lower({names}) from t; \
         insert into who (who_id, number, extension, display, digits, words) \
           with recursive t(n) as (select 1 union all select n + 1 from t where n < {outside}) \
           select 3000 + n, num, '', '', num, '' from \
           (select n, '27' || printf('%09d', (n * 7919391 + 104729) % 1000000007 % 1000000000) as num from t); \
         insert into who_trigram (rowid, digits) select who_id, digits from who; \
         insert or ignore into who_word (word, who_id) \
           select substr(words, 2, instr(substr(words, 2) || ' ', ' ') - 1), who_id from who where words <> '' \
           union all select substr(words, 2 + instr(substr(words, 2), ' ')), who_id from who where words <> ''; \
         insert into word (word_id, word) \
           with recursive t(n) as (select 1 union all select n + 1 from t where n < 20) select n, 'tag' || n from t"
    )
}

fn recordings(from: u64, upto: u64, outside: u64) -> Vec<String> {
    // One number of dice per question; products make some parties much busier than others.
    let dice = |k: u32| format!("((n * 2654435761 + {k} * 40503 * (n % 1013 + 1)) % 2147483647)");
    let (d1, d2, d3, d4, d5, d6) = (dice(1), dice(2), dice(3), dice(4), dice(5), dice(6));
    let made = format!(
        "create temp table made as with recursive t(n) as (select {} union all select n + 1 from t where n < {upto}) \
         select n, {FIRST_US} + n * {STEP_US} + {d1} % 1000000 as at, \
         1 + ({d2} % 3000) * ({d3} % 3000) / 3000 as ext, \
         3001 + ({d4} % {outside}) * ({d5} % {outside}) / {outside} as out, \
         1 + {d6} % 12 as facet, \
         case when {d1} % 100 < 2 then 3600 + {d2} % 7200 when {d1} % 100 < 30 then 5 + {d3} % 30 else 30 + {d4} % 570 end * 1000000 as len, \
         {d5} % 50 = 0 as gap, {d6} % 3 as way from t",
        from + 1
    );
    let id = "unhex(printf('%012x7%03x8%015x', at / 1000, n % 4096, n))";
    let zero = "x'0000000000000000000000000000000000000000000000000000000000000000'";
    vec![
        made,
        "create temp table numbered as select *, at * 2048 + n % 2048 as place, 1 + (facet - 1) / 3 * 3 + way as f, \
         case when way = 1 then ext else out end as a, \
         case when way = 0 then ext when way = 1 then out else ext end as b, \
         unhex(printf('%012x7%03x8%015x', at / 1000, n % 4096, n)) as id, \
         cast(strftime('%Y%m%d', at / 1000000, 'unixepoch') as integer) as day from made"
            .to_owned(),
        "insert into recording (recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, direction, method, \
         side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, order_key, length_us, has_gap, \
         facet_id, who_a, who_b, parties, tracks, tags) select id, x'09090909090909090909090909090909', n, \
         'A' || substr(day, 3) || '-' || printf('%06d', n % 27871), at, at + len, day, 1 + way, 0, (f - 1) / 3 % 2, (f - 1) / 3, \
         'tap ' || ((f - 1) / 3), 0, 1, 0, 'bye', len / 10000, 0, 0, 0, place, len, gap, f, \
         a, b, json_array(json_array(0, wa.number, wa.display, wa.extension), json_array(1, wb.number, wb.display, wb.extension)), \
         json_array(json_array(0, 'PCMA', 8000, '', 1, 0, 0), json_array(1, 'PCMA', 8000, '', 1, 0, gap * 800)), \
         case when n % 100 = 0 then json_array('tag' || (1 + n / 100 % 20)) else '[]' end \
         from numbered cross join who wa on wa.who_id = a cross join who wb on wb.who_id = b"
            .to_owned(),
        format!(
            "insert into part select {id}, 0, at, day, at + len, 'live/' || day || '/' || hex(id) || '.amx', len / 50, {zero}, {zero}, \
             0, len / 1000000, x'0303030303030303' from numbered"
        ),
        "insert into leg select id, 0, 0, 0, 1, 'PCMA', 8000, '', 1, 1, 0, len / 125, 0, 0, 0, 0, 0, 0 from numbered".to_owned(),
        "insert into leg select id, 0, 1, 1, 2, 'PCMA', 8000, '', 1, 1, 0, len / 125, 0, gap * 800, 0, 0, 0, 0 from numbered".to_owned(),
        "insert into party (recording_id, place, role, display, number, address, extension, who_id) \
         select r.recording_id, 0, 0, w.display, w.number, 'sip:' || w.number || '@10.0.0.1', w.extension, w.who_id \
         from numbered n join recording r on r.recording_id = n.id join who w on w.who_id = r.who_a"
            .to_owned(),
        "insert into party (recording_id, place, role, display, number, address, extension, who_id) \
         select r.recording_id, 1, 1, w.display, w.number, 'sip:' || w.number || '@10.0.0.1', w.extension, w.who_id \
         from numbered n join recording r on r.recording_id = n.id join who w on w.who_id = r.who_b"
            .to_owned(),
        "insert into call_link select id, 0, hex(id) || '@10.0.0.1' from numbered".to_owned(),
        "insert into tag (recording_id, tag, by_name, at_us) select id, 'tag' || (1 + n / 100 % 20), 'bench', at from numbered \
         where n % 100 = 0"
            .to_owned(),
        "insert into labelled select place, (5 << 48) | (1 + n / 100 % 20) from numbered where n % 100 = 0".to_owned(),
        "insert into labelled select place, (9 << 48) | (1 + n / 100 % 20) from numbered where n % 100 = 0".to_owned(),
        "drop table made".to_owned(),
        "drop table numbered".to_owned(),
    ]
}

fn postings() -> [String; 5] {
    // The length of the number in binary, from its length in octal.
    let class = "((length(o) - 1) * 3 + (o >= '2') + (o >= '4'))";
    let octal = "printf('%o', length_us / 1000 + 1) as o";
    let seen = format!("(facet_id << 7) | ({class} << 1) | has_gap");
    let of = |who, other| {
        format!(
            "select {who} as who, {other} as other, order_key as place, facet_id, has_gap, {octal} from recording"
        )
    };
    [
        format!(
            "insert or ignore into posting select (1 << 48) | who, place, (other << 19) | {seen} from ({} union all {}) order by 1, 2",
            of("who_a", "who_b"),
            of("who_b", "who_a")
        ),
        "insert into posting select (2 << 48) | facet_id, order_key, null from recording order by 1, 2"
            .to_owned(),
        format!(
            "insert into posting select (3 << 48) | {class}, place, null from (select {octal}, order_key as place from recording) order by 1, 2"
        ),
        format!(
            "insert into posting select (4 << 48) | 1, place, {seen} from ({} where has_gap = 1) order by 1, 2",
            of("0", "0")
        ),
        "insert into posting select term, order_key, null from labelled order by 1, 2".to_owned(),
    ]
}
