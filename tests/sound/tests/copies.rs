//! Opus puts a copy of each packet into the next (in-band FEC, RFC 6716 §2.1.7): what is lost is heard from
//! there when the next one has come.

use sems_audio::codec::{Parameters, opus};
use sems_sound::{
    line::Line,
    measure::{likeness_of, matches},
    speech::speech,
    weather::Weather,
};

#[test]
fn a_lost_packet_of_opus_is_heard_from_the_copy_in_the_next_one() {
    let said = speech(48_000, 12);
    let heard_with = |inband_fec| {
        let line = Line {
            parameters: Parameters {
                inband_fec,
                ..Parameters::default()
            },
            ..Line::new(&opus::OPUS)
        };
        // Under jitter, what comes waits for longer than a packet: the next one is there.
        let line = line.under(Weather {
            loss: 0.08,
            jitter_ms: 60.0,
            doubled: 0.0,
        });
        let heard = line.carry(&said);
        let found = matches(&line, &said, &heard);
        let is_lost = |packet: usize| heard.lost.binary_search(&packet).is_ok();
        let single = heard.lost.iter().filter(|packet| !is_lost(**packet + 1));
        let single: Vec<usize> = single.copied().collect();
        let length = 960;
        assert!(single.len() * length > 20_000, "{single:?}");
        likeness_of(&single, length, &said, &heard, &found)
    };
    let (with, without) = (heard_with(true), heard_with(false));
    println!("{with:.2} with copies, {without:.2} without");
    assert!(with > 0.7 && with > without + 0.2, "{with} {without}");
}
