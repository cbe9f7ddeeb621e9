//! `amethyst-calls`: places real SIP calls with known audio, on loopback or between two addresses.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for a terminal")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use amethyst_tests::calls::{
    Answer, CallError, Codec, Fed, Placed, Plan, Roles, Side, Transport, Voice, place, to_pcap,
};
use serde_json::json;

const HELP: &str = "\
amethyst-calls: real SIP calls, speech in both directions, every byte known

usage: amethyst-calls [OPTIONS]

  -n, --calls N          how many calls                                  [1]
  -s, --seconds S        how long each party speaks                      [5]
      --rate R           calls begun per second                          [5]
      --first N          number of the first call                        [1]
      --codec NAME       PCMU, PCMA, L16, G722, X-UNHEARD-OF; u and a    [PCMU]
      --tcp              signalling over TCP instead of UDP
      --digits DIGITS    digits that the caller dials (RFC 4733)
      --answer HOW       answered, busy, never                           [answered]
      --ring MS          how long it rings                               [400]
      --same-ssrc        one SSRC for every stream, as some gateways do
      --hum              a synthetic voice also where espeak-ng is installed
      --from IP          address of the callers                          [127.0.0.11]
      --to IP            address of the callees                          [127.0.0.12]
      --only ROLE        play only the callers or only the callees
      --run N            names this run in Call-IDs                      [process id]
  -o, --out DIR          keep what was fed: DIR/NNNNN.caller.pcmu, DIR/NNNNN.callee.pcmu
      --to-pcap FILE     place no calls, write the same as a capture file
      --json             one line of JSON per call
  -q, --quiet            say nothing unless something goes wrong
  -h, --help             this

Call N: number 1NNNNN at --from, SIP port 15000+N, calls 2NNNNN at --to, SIP port 25000+N; media from port 16384+4N.
Ends with 0 if every call went as planned and every packet was heard, 1 if not, 2 if the options make no sense.
";

fn main() -> ExitCode {
    match Wish::read(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Some(wish)) => wish.fulfil(),
        Err(fault) => {
            eprintln!("amethyst-calls: {fault} (see --help)");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Wish {
    plan: Plan,
    out: Option<PathBuf>,
    to_pcap: Option<PathBuf>,
    json: bool,
    quiet: bool,
}

impl Wish {
    /// Reads the options; `None` means help is wanted.
    fn read(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut wish = Self::default();
        while let Some(option) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{option} wants a value"));
            let plan = &mut wish.plan;
            match option.as_str() {
                "-h" | "--help" => return Ok(None),
                "-n" | "--calls" => plan.calls = number(&value()?)?,
                "--first" => plan.first = number(&value()?)?,
                "-s" | "--seconds" => plan.speech = seconds(&value()?)?,
                "--rate" => plan.start_gap = seconds_per(&value()?)?,
                "--codec" => plan.codec = codec(&value()?)?,
                "--tcp" => plan.transport = Transport::Tcp,
                "--digits" => plan.digits = value()?,
                "--answer" => plan.answer = answer(&value()?)?,
                "--ring" => plan.ring = Duration::from_millis(u64::from(number(&value()?)?)),
                "--same-ssrc" => plan.same_ssrc = Some(0xdead_beef),
                "--hum" => plan.voice = Voice::Synthetic,
                "--from" => plan.caller_ip = value()?.parse().map_err(|_e| "--from wants an IP address")?,
                "--to" => plan.callee_ip = value()?.parse().map_err(|_e| "--to wants an IP address")?,
                "--only" => plan.roles = roles(&value()?)?,
                "--run" => plan.run = number(&value()?)?,
                "-o" | "--out" => wish.out = Some(value()?.into()),
                "--to-pcap" => wish.to_pcap = Some(value()?.into()),
                "--json" => wish.json = true,
                "-q" | "--quiet" => wish.quiet = true,
                other => return Err(format!("{other:?} is no option")),
            }
        }
        Ok(Some(wish))
    }

    fn fulfil(&self) -> ExitCode {
        let done = self.place().and_then(|placed| {
            self.keep(&placed)?;
            Ok(placed)
        });
        match done {
            Err(e) => {
                eprintln!("amethyst-calls: {e}");
                ExitCode::FAILURE
            }
            Ok(placed) => self.report(&placed),
        }
    }

    fn place(&self) -> Result<Vec<Placed>, CallError> {
        match &self.to_pcap {
            None => place(&self.plan),
            Some(file) => {
                to_pcap(&self.plan, file, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
            }
        }
    }

    fn keep(&self, placed: &[Placed]) -> Result<(), CallError> {
        let Some(folder) = &self.out else { return Ok(()) };
        let fault = |at: &Path, source| CallError::File { file: at.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(|e| fault(folder, e))?;
        for call in placed {
            for (side, fed) in [("caller", &call.caller), ("callee", &call.callee)] {
                let Some(fed) = fed else { continue };
                let at = folder.join(format!("{:05}.{side}.{}", call.call, fed.codec.name.to_lowercase()));
                std::fs::write(&at, fed.spoken_payload()).map_err(|e| fault(&at, e))?;
            }
        }
        Ok(())
    }

    fn report(&self, placed: &[Placed]) -> ExitCode {
        let answered = self.plan.answer == Answer::Answered;
        let whole = |c: &&Placed| !answered || c.was_heard_whole(&self.plan);
        let heard = placed.iter().filter(whole).count();
        if self.json {
            placed.iter().for_each(|call| println!("{}", self.line(call)));
        } else if !self.quiet {
            println!(
                "{} of {} calls went as planned, {heard} were heard whole",
                placed.len(),
                self.plan.calls
            );
        }
        if heard == placed.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn line(&self, call: &Placed) -> serde_json::Value {
        let party = |fed: &Option<Fed>, side, heard| {
            json!({
                "number": self.plan.number(call.call, side),
                "sip": self.plan.sip_addr(call.call, side).to_string(),
                "media": self.plan.media_addr(call.call, side).to_string(),
                "packets_sent": fed.as_ref().map(|_| self.plan.packets_sent(side)),
                "packets_heard": heard,
                "digits": fed.as_ref().map(|f| f.digits.clone()),
            })
        };
        json!({
            "call": call.call,
            "call_id": call.call_id,
            "codec": self.plan.codec.name,
            "caller": party(&call.caller, Side::Caller, call.caller_heard),
            "callee": party(&call.callee, Side::Callee, call.callee_heard),
        })
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_e| format!("{text:?} is no number"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_e| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|e| format!("{text} s: {e}"))
}

fn seconds_per(text: &str) -> Result<Duration, String> {
    let rate: f64 = text.parse().map_err(|_e| format!("{text:?} is no rate"))?;
    Duration::try_from_secs_f64(1.0 / rate).map_err(|e| format!("{text} calls a second: {e}"))
}

fn codec(text: &str) -> Result<Codec, String> {
    Codec::named(text).ok_or_else(|| format!("{text:?} is no codec that can be spoken here"))
}

fn answer(text: &str) -> Result<Answer, String> {
    match text {
        "answered" => Ok(Answer::Answered),
        "busy" => Ok(Answer::Busy),
        "never" => Ok(Answer::NoAnswer),
        _ => Err(format!("{text:?}: answered, busy or never")),
    }
}

fn roles(text: &str) -> Result<Roles, String> {
    match text {
        "callers" => Ok(Roles::Callers),
        "callees" => Ok(Roles::Callees),
        _ => Err(format!("{text:?}: callers or callees")),
    }
}
