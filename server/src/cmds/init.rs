//! `amethyst init`: makes a site and prints its three recovery shares, once.

use serde_json::json;

use crate::cli::Init;
use crate::site::Site;
use crate::terminal;

/// Runs the command.
///
/// # Errors
/// See [`Site::make`].
pub(crate) fn run(words: &Init) -> anyhow::Result<u8> {
    let made = Site::make(&words.dir, &words.site_name, &words.zone, words.letter)?;
    if words.json {
        let shares: Vec<&str> = made.shares.iter().map(|share| share.as_str()).collect();
        terminal::json(&json!({ "site_id": made.site_id.to_string(), "data": words.dir, "shares": shares }));
        return Ok(0);
    }
    let dir = words.dir.display();
    terminal::line(&format!("The site \"{}\" is ready in {dir}.\n", words.site_name));
    terminal::line(
        "RECOVERY SHARES. They are shown this once and kept nowhere. Write each on paper, give them to three people who do\n\
         not sit together. Any two of them restore everything from an archive; one alone opens nothing.\n",
    );
    for (number, share) in (1..).zip(&made.shares) {
        terminal::line(&format!("  Share {number} of 3"));
        let groups: Vec<&str> = share.split('-').collect();
        for four in groups.chunks(4) {
            terminal::line(&format!("    {}", four.join("-")));
        }
        terminal::line("");
    }
    terminal::line(&format!(
        "Whoever has {dir}/keys can open the recordings: keep a backup of that folder apart from the others.\n\
         Settings: {dir}/amethyst.toml\n\
         Next:     amethyst record --data {dir} --interface IF"
    ));
    Ok(0)
}
