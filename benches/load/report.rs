//! What was measured, as a table to read and as JSON to keep.

use std::{fmt::Write, fs, io, path::Path};

use crate::calls::Calls;

/// One scenario's figures.
#[derive(Default)]
pub struct Measured {
    /// The scenario.
    pub name: String,
    /// Calls that were up.
    pub calls: usize,
    /// Measured time.
    pub seconds: f64,
    /// CPU of the server in microseconds for each second of each call.
    pub cpu_per_call: f64,
    /// Packets that should have come back.
    pub expected: u64,
    /// Packets that came.
    pub received: u64,
    /// Packets missing by their sequence numbers.
    pub lost: u64,
    /// Packets double, late, or with a timestamp off the grid.
    pub disordered: u64,
    /// |spacing − 20 ms| in microseconds, sorted.
    pub grid: Vec<u32>,
    /// Mouth to ear in microseconds, sorted.
    pub delays: Vec<u32>,
    /// Listeners who heard wrong, of how many.
    pub wrong_tones: (usize, usize),
    /// Ticks begun late by the server.
    pub late_ticks: u64,
    /// Ticks of a room, or of a part of one, that the server has left out, being more than one behind: those who
    /// are there get no packet in it, and none of theirs is lost.
    pub skipped_ticks: u64,
    /// Datagrams that the kernel has thrown away, of all sockets of the machine: their buffers were full.
    pub dropped_by_kernel: u64,
    /// Resident memory for each call in KiB.
    pub memory_per_call: f64,
    /// INVITE → 200 in microseconds, sorted.
    pub set_up: Vec<u32>,
    /// Calls that ended by themselves.
    pub dropped_calls: usize,
    /// Others who called meanwhile.
    pub flood: Option<Calls>,
}

fn percentile(sorted: &[u32], of: f64) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n => f64::from(sorted[((n - 1) as f64 * of) as usize]) / 1000.0,
    }
}

impl Measured {
    /// Nothing missing, nothing wrong to the ear, no call lost.
    pub fn is_clean(&self) -> bool {
        let missing =
            self.expected.saturating_sub(self.received) as f64 / self.expected.max(1) as f64;
        self.lost == 0
            && self.disordered == 0
            && missing < 0.002
            && self.wrong_tones.0 == 0
            && self.dropped_calls == 0
    }

    fn json(&self, echo: Option<f64>, ghz: f64) -> String {
        let mut text = format!(
            "{{\"scenario\":\"{}\",\"calls\":{},\"seconds\":{:.2},\"cpu_us_per_call_second\":{:.1},\"lost\":{},\"disordered\":{},\
             \"expected\":{},\"received\":{},\"clean\":{},\"late_ticks\":{},\
             \"skipped_ticks\":{},\"dropped_by_kernel\":{}",
            self.name,
            self.calls,
            self.seconds,
            self.cpu_per_call,
            self.lost,
            self.disordered,
            self.expected,
            self.received,
            self.is_clean(),
            self.late_ticks,
            self.skipped_ticks,
            self.dropped_by_kernel,
        );
        let mut put = |name: &str, value: f64| {
            if value.is_finite() {
                let _ = write!(text, ",\"{name}\":{value:.3}");
            }
        };
        put(
            "ratio_to_echo",
            echo.map_or(f64::NAN, |e| self.cpu_per_call / e),
        );
        put("channels_per_core", 1e6 / self.cpu_per_call);
        put("channels_per_2_ghz", 1e6 / self.cpu_per_call * 2.0 / ghz);
        put("grid_ms_p50", percentile(&self.grid, 0.5));
        put("grid_ms_p999", percentile(&self.grid, 0.999));
        put("delay_ms_p50", percentile(&self.delays, 0.5));
        put("delay_ms_p99", percentile(&self.delays, 0.99));
        put("set_up_ms_p50", percentile(&self.set_up, 0.5));
        put("set_up_ms_p99", percentile(&self.set_up, 0.99));
        put("memory_kib_per_call", self.memory_per_call);
        if let Some(flood) = &self.flood {
            put("offered_a_second", flood.rate as f64);
            put("others_served", flood.complete as f64);
            put("others_refused", flood.refused as f64);
            put("others_failed", flood.failed as f64);
            put("others_set_up_ms_p99", percentile(&flood.set_up, 0.99));
        }
        text.push('}');
        text
    }
}

/// All scenarios of a run.
pub struct Report {
    all: Vec<Measured>,
    calls: Vec<Calls>,
    ghz: f64,
}

impl Report {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            all: Vec::new(),
            calls: Vec::new(),
            ghz: clock_ghz(),
        }
    }

    /// Adds a scenario's figures and says them.
    pub fn add(&mut self, one: Measured) {
        if self.all.is_empty() {
            println!(
                "{:<18} {:>9} {:>6} {:>8} {:>8} {:>7} {:>9} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7}",
                "scenario",
                "µs/call-s",
                "×echo",
                "ch/core",
                "ch/2GHz",
                "lost",
                "grid p50",
                "p99.9 ms",
                "delay ms",
                "p99",
                "set-up",
                "KiB",
                "late"
            );
        }
        let ratio = self.echo().map_or(f64::NAN, |echo| one.cpu_per_call / echo);
        let per_core = 1e6 / one.cpu_per_call;
        println!(
            "{:<18} {:>9.1} {:>6.2} {:>8.0} {:>8.0} {:>7} {:>9.2} {:>9.2} {:>8.1} {:>8.1} {:>8.1} {:>7.0} {:>7}{}",
            one.name,
            one.cpu_per_call,
            ratio,
            per_core,
            per_core * 2.0 / self.ghz,
            one.lost,
            percentile(&one.grid, 0.5),
            percentile(&one.grid, 0.999),
            percentile(&one.delays, 0.5),
            percentile(&one.delays, 0.99),
            percentile(&one.set_up, 0.99),
            one.memory_per_call,
            one.late_ticks,
            if one.is_clean() {
                String::new()
            } else {
                format!(
                    "  NOT CLEAN: {} of {} listeners hear wrong, {} of {} packets missing ({} on the way, {} thrown away by the \
                     kernel; {} ticks left out), {} disordered, {} calls dropped",
                    one.wrong_tones.0,
                    one.wrong_tones.1,
                    one.expected.saturating_sub(one.received),
                    one.expected,
                    one.lost,
                    one.dropped_by_kernel,
                    one.skipped_ticks,
                    one.disordered,
                    one.dropped_calls
                )
            },
        );
        if let Some(flood) = &one.flood {
            println!(
                "{:<18} {} others called each second: {} served, {} refused at once, {} failed, {} requests sent again, set-up p99 {:.1} ms",
                "",
                flood.rate,
                flood.complete,
                flood.refused,
                flood.failed,
                flood.repeated,
                percentile(&flood.set_up, 0.99),
            );
        }
        self.all.push(one);
    }

    /// Adds the figures of calls a second, and says them.
    pub fn add_calls(&mut self, calls: Calls) {
        println!(
            "{:<18} {:>9.1} µs/call  {:>5.1} % of a core  INVITE to 200 p50 {:.2} p99 {:.2} p99.9 {:.2} ms  {} complete{}",
            calls.name(),
            calls.cpu_per_call,
            calls.load * 100.0,
            percentile(&calls.set_up, 0.5),
            percentile(&calls.set_up, 0.99),
            percentile(&calls.set_up, 0.999),
            calls.complete,
            match calls.is_clean() {
                true => String::new(),
                false => format!(
                    "  NOT CLEAN: {} refused, {} failed, {} requests sent again",
                    calls.refused, calls.failed, calls.repeated
                ),
            }
        );
        if let Some(recovered) = calls.recovered {
            println!(
                "{:<18} {:.0} calls a second served; the others refused after p50 {:.2} p99 {:.2} ms; as before after {recovered:.1} s",
                "",
                calls.served,
                percentile(&calls.refused_after, 0.5),
                percentile(&calls.refused_after, 0.99),
            );
        }
        self.calls.push(calls);
    }

    /// Says what the columns mean.
    pub fn summary(&self) {
        println!(
            "\nµs/call-s: CPU of the server for a second of a call, both ways, 20 ms packets. ×echo: beside the cheapest\n\
             UDP echo of this run. ch/core, ch/2GHz: calls that a core, or 2 GHz of this {:.2} GHz core, has time for.\n\
             grid: spacing of packets less 20 ms. delay: mouth to ear. set-up: INVITE to 200, p99 in ms. KiB: memory a call.",
            self.ghz
        );
    }

    /// Writes a JSON array, one line a scenario.
    pub fn write_json(&self, path: &Path) -> io::Result<()> {
        let media = self.all.iter().map(|m| m.json(self.echo(), self.ghz));
        let rows: Vec<String> = media.chain(self.calls.iter().map(calls_json)).collect();
        fs::write(path, format!("[\n{}\n]\n", rows.join(",\n")))
    }

    fn echo(&self) -> Option<f64> {
        self.all
            .iter()
            .find(|m| m.name.starts_with("echo"))
            .map(|m| m.cpu_per_call)
    }
}

fn calls_json(calls: &Calls) -> String {
    format!(
        "{{\"scenario\":\"{}\",\"complete\":{},\"served_a_second\":{:.1},\"refused\":{},\"failed\":{},\"repeated\":{},\
         \"clean\":{},\"cpu_us_per_call\":{:.1},\"load\":{:.3},\"set_up_ms_p50\":{:.3},\"set_up_ms_p99\":{:.3},\
         \"set_up_ms_p999\":{:.3}}}",
        calls.name(),
        calls.complete,
        calls.served,
        calls.refused,
        calls.failed,
        calls.repeated,
        calls.is_clean(),
        calls.cpu_per_call,
        calls.load,
        percentile(&calls.set_up, 0.5),
        percentile(&calls.set_up, 0.99),
        percentile(&calls.set_up, 0.999),
    )
}

fn clock_ghz() -> f64 {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mhz = info.lines().find_map(|l| {
        l.strip_prefix("cpu MHz")?
            .split(':')
            .nth(1)?
            .trim()
            .parse::<f64>()
            .ok()
    });
    mhz.unwrap_or(f64::NAN) / 1000.0
}
