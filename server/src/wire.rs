//! The joint between capture, engine and recorder: the one thread that reads the wire and runs each packet to completion.
//!
//! Files are read as fast as they go and the recorder pushes back; interfaces are never kept waiting. Sources may come and go
//! and settings may change between two polls ([`Listener::attend`]), without a packet lost on the other taps. Whatever happens,
//! the engine is finished at the end, so that every segment is closed and accounted for.

use std::time::Duration;

use capture::{CaptureError, Packet, PacketSource, Poll};
use recorder::Recorder;
use shared::Stamp;
use telephony::cmd::SegCmd;
use telephony::engine::{Alarm, Engine};

/// How long a poll of an idle interface waits: also how late a signal is noticed.
const WAIT: Duration = Duration::from_millis(50);
/// How long several idle interfaces are left alone.
const SHORT_WAIT: Duration = Duration::from_millis(2);

/// How the reading ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// All files were read to their end.
    Files,
    /// Somebody asked for it.
    Asked,
    /// A source could not be read on; what came before is recorded.
    Broken(CaptureError),
}

/// What a run tells as it goes.
pub(crate) trait Listener {
    /// Something a person should know about the traffic.
    fn alarm(&mut self, alarm: &Alarm);
    /// Something a source has to say.
    fn warning(&mut self, text: &str);
    /// Something that went wrong on the way to the disk.
    fn fault(&mut self, fault: &recorder::Fault);
    /// Called after each poll; true ends the run.
    fn stop(&mut self) -> bool;
    /// Sees each command on its way from the engine to the recorder: about one a second and call. May add one behind it.
    fn command(&mut self, _command: &SegCmd) -> Option<SegCmd> {
        None
    }
    /// Called after each poll with everything in reach, to change settings and sources.
    fn attend(&mut self, _hands: &mut Hands<'_>) {}
    /// Takes a source that ended or broke; `others` tells whether something is still read.
    fn ended(&mut self, source: Box<dyn PacketSource>, error: Option<&CaptureError>, others: bool) {
        drop(source);
        if let Some(error) = error
            && others
        {
            self.warning(&format!("{error}. The other taps are still recorded"));
        }
    }
    /// Whether the run goes on when no source is left.
    fn endless(&self) -> bool {
        false
    }
}

/// What a listener may touch between two polls.
pub(crate) struct Hands<'a> {
    /// The sources that are being read; one that is taken out is not read any more.
    pub(crate) sources: &'a mut Vec<Box<dyn PacketSource>>,
    /// The engine.
    pub(crate) engine: &'a mut Engine,
    /// The recorder.
    pub(crate) recorder: &'a mut Recorder,
}

/// Runs sources through the engine into the recorder until they end or `listener` says stop; then closes all segments.
///
/// `clock` gives the time for idle interfaces; files bring their own.
pub(crate) fn run(
    sources: &mut Vec<Box<dyn PacketSource>>,
    engine: &mut Engine,
    recorder: &mut Recorder,
    listener: &mut dyn Listener,
    clock: &dyn Fn() -> Stamp,
) -> Ending {
    // Files bring their own time, also at their end: the clock of this machine would end every call in them as idle.
    let live = listener.endless() || sources.iter().any(|s| s.info().live);
    let mut wire = Wire { engine, recorder, last: None, live };
    let ending = wire.read(sources, listener, clock);
    let end = if live { clock() } else { wire.last.unwrap_or_default() };
    wire.engine.finish(end);
    wire.pump(listener);
    wire.speak(sources, listener);
    ending
}

struct Wire<'a> {
    engine: &'a mut Engine,
    recorder: &'a mut Recorder,
    last: Option<Stamp>,
    live: bool,
}

impl Wire<'_> {
    fn read(
        &mut self,
        sources: &mut Vec<Box<dyn PacketSource>>,
        listener: &mut dyn Listener,
        clock: &dyn Fn() -> Stamp,
    ) -> Ending {
        let mut broken = None;
        loop {
            let alone = sources.len() == 1;
            let (mut idle, mut gone) = (true, Vec::new());
            for (place, source) in sources.iter_mut().enumerate() {
                let wait = if alone { WAIT } else { Duration::ZERO };
                match source.poll(wait, &mut |packet| self.take(packet)) {
                    Ok(Poll::Progress) => idle = false,
                    Ok(Poll::Idle) => {}
                    Ok(Poll::End) => gone.push((place, None)),
                    Err(error) => gone.push((place, Some(error))),
                }
            }
            if idle && self.live {
                self.engine.handle_timeout(clock());
                if !alone {
                    std::thread::sleep(if sources.is_empty() { WAIT } else { SHORT_WAIT });
                }
            }
            self.pump(listener);
            self.speak(sources, listener);
            for (place, error) in gone.into_iter().rev() {
                // The other taps go on: one pulled cable must not silence a recorder.
                let source = sources.remove(place);
                listener.ended(source, error.as_ref(), !sources.is_empty());
                broken = broken.or(error);
            }
            let mut hands = Hands { sources, engine: self.engine, recorder: self.recorder };
            listener.attend(&mut hands);
            if sources.is_empty() && !listener.endless() {
                return broken.map_or(Ending::Files, Ending::Broken);
            }
            if listener.stop() {
                self.drain(sources, &clock(), listener);
                return if listener.endless() {
                    Ending::Asked
                } else {
                    broken.map_or(Ending::Asked, Ending::Broken)
                };
            }
        }
    }

    /// Takes what arrived on the interfaces up to `asked`: it may still lie in the kernel's ring, and a call's last words or
    /// its BYE may be among it. Ends also on a wire that never falls silent, since packets come in the order of their stamps.
    fn drain(&mut self, sources: &mut [Box<dyn PacketSource>], asked: &Stamp, listener: &mut dyn Listener) {
        for source in sources.iter_mut().filter(|source| source.info().live) {
            let mut later = false;
            while !later {
                let polled = source.poll(WAIT, &mut |packet| {
                    later |= packet.stamp.mono_ns > asked.mono_ns;
                    self.take(packet);
                });
                self.pump(listener);
                if !matches!(polled, Ok(Poll::Progress)) {
                    break;
                }
            }
        }
    }

    #[inline]
    fn take(&mut self, packet: &Packet<'_>) {
        self.last = Some(packet.stamp);
        if packet.lost_before > 0 {
            self.engine.handle_drops(packet.stamp, packet.tap, u64::from(packet.lost_before));
        }
        self.engine.handle_packet(packet.stamp, packet.tap, packet.link, packet.vlan, packet.bytes);
    }

    /// Hands commands on and gives used buffers back.
    fn pump(&mut self, listener: &mut dyn Listener) {
        let engine = &mut *self.engine;
        let commands = std::iter::from_fn(|| engine.poll_cmd());
        self.recorder.submit(commands.flat_map(|command| {
            let more = listener.command(&command);
            std::iter::once(command).chain(more)
        }));
        while let Some(buf) = self.recorder.used_buffer() {
            self.engine.recycle(buf);
        }
    }

    fn speak(&mut self, sources: &mut [Box<dyn PacketSource>], listener: &mut dyn Listener) {
        while let Some(alarm) = self.engine.poll_alarm() {
            listener.alarm(&alarm);
        }
        while let Some(fault) = self.recorder.poll_fault() {
            listener.fault(&fault);
        }
        for source in sources {
            for warning in source.warnings() {
                listener.warning(&warning.to_string());
            }
        }
    }
}
