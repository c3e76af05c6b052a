//! Writes what was said and what was heard, for others to judge: `sems-sound FOLDER`.
//!
//! For each codec and weather two WAV files, with what was heard laid where it was said, and a line
//! of JSON with the figures that need no others.

use std::{fs::File, io::Write, path::Path};

use sems_audio::{codec::CODECS, wav};
use sems_sound::{
    line::Line,
    measure::{added, aligned, delay, matches, segmental_snr},
    speech::speech,
    weather::Weather,
};

/// What is said, in seconds.
const SECONDS: usize = 40;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut figures = File::create(folder.join("figures.jsonl"))?;
    let lossy = Weather {
        loss: 0.05,
        ..Weather::CLEAN
    };
    for codec in CODECS {
        let rate = codec.rate.hz();
        let said = speech(rate, SECONDS);
        let weathers = [
            ("clean", Weather::CLEAN),
            ("lossy", lossy),
            ("bad", Weather::BAD),
        ];
        for (weather, conditions) in weathers {
            let line = Line::new(codec).under(conditions);
            let heard = line.carry(&said);
            let found = matches(&line, &said, &heard);
            let (one, other) = aligned(&said, &heard, &found, rate);
            let name = format!("{}-{rate}-{weather}", codec.name);
            for (kind, samples) in [("said", &one), ("heard", &other)] {
                let file = File::create(folder.join(format!("{name}-{kind}.wav")))?;
                let mut writer = wav::Writer::new(file, rate)?;
                writer.write(samples)?;
                writer.flush()?;
            }
            let (p50, p99) = (delay(&found, 0.5), delay(&found, 0.99));
            let alone = matches(&line, &said, &line.alone(&said));
            let own = delay(&alone, 0.5);
            let added = added(&found, &alone);
            let (added50, added99) = (delay(&added, 0.5), delay(&added, 0.99));
            let snr = segmental_snr(&line, &said, &heard, &found);
            let codec = codec.name;
            writeln!(
                figures,
                r#"{{"name": "{name}", "codec": "{codec}", "weather": "{weather}", "rate": {rate}, "delay_ms_p50": {p50:.1}, "delay_ms_p99": {p99:.1}, "own_ms": {own:.1}, "added_ms_p50": {added50:.1}, "added_ms_p99": {added99:.1}, "segmental_snr_db": {snr:.1}}}"#
            )?;
        }
    }
    Ok(())
}
