//! The whole server under load over loopback: calls set up by SIP, RTP every 20 ms each way, beside
//! the cheapest UDP echo server of the same run. See `--help`.
//!
//! The server runs on one core and the callers on another, so its CPU time per call-second is
//! comparable between machines as a ratio to the echo's. A run that only counts packets can be
//! fooled, so the callers also listen: to their neighbours' tones, the delay, and the packet grid.

mod callers;
mod calls;
mod clock;
mod echo;
mod media;
mod report;
mod server;
mod sip;

use std::{env, path::PathBuf, process::exit};

use callers::Plan;
use report::Report;

const HELP: &str = "\
Puts a SEMS server under load over loopback and says what it costs.

usage: load [--sems PATH] [--seconds N] [--json FILE] [SCENARIO …]

scenarios (default: echo, conference:300, blocked:300, room:400, announcement:1050,
           overload:200, calls:1000)
  echo:N          the yardstick: N calls' packets through the cheapest UDP echo server
  conference:N    N calls in rooms of three, one speaks at a time
  overload:N      conference:N while others call ten times as often as is allowed
  room:N          one room of N, five of whom speak
  spread:N        the same on two media threads, each with a part of it (N above 500)
  blocked:N       conference:N while a service sleeps and another spins in Python
  announcement:N  N calls hear an announcement
  calls:N         N calls a second, each answered by a coroutine and hung up at once
  flood:N         the same where N is more than can be served: how many are, and how soon it is over
  ramp            conference with 900, 1500, 2000, … calls until one is not clean

options
  --sems PATH     the command to start (default: sems from PATH)
  --seconds N     how long each is measured (default 20, after 3 s of settling)
  --json FILE     writes the figures there as well
";

struct Options {
    sems: PathBuf,
    seconds: u64,
    json: Option<PathBuf>,
    scenarios: Vec<String>,
}

fn main() {
    let options = options(env::args().skip(1).collect());
    if let [mode, count] = &options.scenarios[..]
        && mode == "serve-echo"
    {
        return echo::serve(count.parse().expect("a number of sockets"));
    }
    server::raise_open_files();
    let mut report = Report::new();
    for scenario in &options.scenarios {
        if let Err(error) = run(scenario, &options, &mut report) {
            eprintln!("{scenario}: {error}");
            exit(1);
        }
    }
    report.summary();
    if let Some(path) = &options.json {
        report
            .write_json(path)
            .expect("the results file can be written");
    }
}

fn run(scenario: &str, options: &Options, report: &mut Report) -> Result<(), String> {
    let (kind, count) = scenario.split_once(':').unwrap_or((scenario, ""));
    let count = |default: usize| match count {
        "" => Ok(default),
        text => text.parse().map_err(|_| format!("{text} is not a number")),
    };
    let plan = match kind {
        "echo" => {
            let measured = callers::run_echo(count(300)?, options.seconds)?;
            report.add(measured);
            return Ok(());
        }
        "calls" => {
            let rate = count(1000)? as u64;
            report.add_calls(calls::run(rate, &options.sems, options.seconds)?);
            return Ok(());
        }
        "flood" => {
            let rate = count(4000)? as u64;
            report.add_calls(calls::flood(rate, &options.sems, options.seconds)?);
            return Ok(());
        }
        "blocked" => Plan::blocked(count(300)?),
        "overload" => Plan::overload(count(200)?),
        "conference" => Plan::conference(count(300)?),
        "room" => Plan::room(count(400)?, 5),
        "spread" => Plan::spread(count(1500)?, 5),
        "announcement" => Plan::announcement(count(1050)?),
        "ramp" => {
            for calls in [900, 1500, 2000, 2500, 3000, 3500] {
                let measured =
                    callers::run(&Plan::conference(calls), &options.sems, options.seconds)?;
                let clean = measured.is_clean();
                report.add(measured);
                if !clean {
                    break;
                }
            }
            return Ok(());
        }
        other => return Err(format!("unknown scenario {other}; see --help")),
    };
    report.add(callers::run(&plan, &options.sems, options.seconds)?);
    Ok(())
}

fn options(arguments: Vec<String>) -> Options {
    let mut options = Options {
        sems: "sems".into(),
        seconds: 20,
        json: None,
        scenarios: Vec::new(),
    };
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let mut value = |name: &str| {
            rest.next().unwrap_or_else(|| {
                eprintln!("{name} needs a value");
                exit(2)
            })
        };
        match argument.as_str() {
            "--help" | "-h" => {
                print!("{HELP}");
                exit(0)
            }
            "--sems" => options.sems = value("--sems").into(),
            "--seconds" => {
                options.seconds = value("--seconds").parse().unwrap_or_else(|_| {
                    eprintln!("--seconds needs a whole number");
                    exit(2)
                })
            }
            "--json" => options.json = Some(value("--json").into()),
            "--bench" => {} // cargo passes it on
            flag if flag.starts_with('-') => {
                eprintln!("unknown option {flag}; see --help");
                exit(2)
            }
            scenario => options.scenarios.push(scenario.to_owned()),
        }
    }
    if options.scenarios.is_empty() {
        options.scenarios = [
            "echo:300",
            "conference:300",
            "blocked:300",
            "room:400",
            "announcement:1050",
            "overload:200",
            "calls:1000",
        ]
        .map(String::from)
        .to_vec();
    }
    options
}
