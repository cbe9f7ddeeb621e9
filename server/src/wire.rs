//! The joint between capture, engine and recorder: the one thread that reads the wire and runs each packet to completion.
//!
//! Files are read as fast as they go and the recorder pushes back; interfaces are never kept waiting. Whatever happens, the
//! engine is finished at the end, so that every segment is closed and accounted for.

use std::time::Duration;

use capture::{CaptureError, Packet, PacketSource, Poll};
use recorder::Recorder;
use shared::Stamp;
use telephony::engine::{Alarm, Engine};

/// How long a poll of an idle interface waits: also how late a signal is noticed.
const WAIT: Duration = Duration::from_millis(50);

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
}

/// Runs sources through the engine into the recorder until they end or `listener` says stop; then closes all segments.
///
/// `clock` gives the time for idle interfaces; files bring their own.
pub(crate) fn run(
    sources: &mut [Box<dyn PacketSource>],
    engine: &mut Engine,
    recorder: &mut Recorder,
    listener: &mut dyn Listener,
    clock: &dyn Fn() -> Stamp,
) -> Ending {
    let mut wire = Wire { engine, recorder, last: None };
    let ending = wire.read(sources, listener, clock);
    let live = sources.iter().any(|s| s.info().live);
    let end = if live { clock() } else { wire.last.unwrap_or_default() };
    wire.engine.finish(end);
    wire.pump();
    wire.speak(sources, listener);
    ending
}

struct Wire<'a> {
    engine: &'a mut Engine,
    recorder: &'a mut Recorder,
    last: Option<Stamp>,
}

impl Wire<'_> {
    fn read(
        &mut self,
        sources: &mut [Box<dyn PacketSource>],
        listener: &mut dyn Listener,
        clock: &dyn Fn() -> Stamp,
    ) -> Ending {
        let mut ended = vec![false; sources.len()];
        let several = sources.len() > 1;
        let mut broken = None;
        // Files bring their own time, also at their end: the clock of this machine would end every call in them as idle.
        let live = sources.iter().any(|s| s.info().live);
        loop {
            let mut idle = true;
            for (source, ended) in sources.iter_mut().zip(&mut ended) {
                if *ended {
                    continue;
                }
                let wait = if several { Duration::ZERO } else { WAIT };
                match source.poll(wait, &mut |packet| self.take(packet)) {
                    Ok(Poll::Progress) => idle = false,
                    Ok(Poll::Idle) => {}
                    Ok(Poll::End) => *ended = true,
                    Err(error) => {
                        // The other taps go on: one pulled cable must not silence a recorder.
                        *ended = true;
                        if several {
                            listener.warning(&format!("{error}. The other taps are still recorded"));
                        }
                        broken = broken.or(Some(error));
                    }
                }
            }
            if idle && live {
                self.engine.handle_timeout(clock());
                if several {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            self.pump();
            self.speak(sources, listener);
            if ended.iter().all(|ended| *ended) {
                return broken.map_or(Ending::Files, Ending::Broken);
            }
            if listener.stop() {
                self.drain(sources, &clock());
                return broken.map_or(Ending::Asked, Ending::Broken);
            }
        }
    }

    /// Takes what arrived on the interfaces up to `asked`: it may still lie in the kernel's ring, and a call's last words or
    /// its BYE may be among it. Ends also on a wire that never falls silent, since packets come in the order of their stamps.
    fn drain(&mut self, sources: &mut [Box<dyn PacketSource>], asked: &Stamp) {
        for source in sources.iter_mut().filter(|source| source.info().live) {
            let mut later = false;
            while !later {
                let polled = source.poll(WAIT, &mut |packet| {
                    later |= packet.stamp.mono_ns > asked.mono_ns;
                    self.take(packet);
                });
                self.pump();
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
    fn pump(&mut self) {
        let engine = &mut *self.engine;
        self.recorder.submit(std::iter::from_fn(|| engine.poll_cmd()));
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
