//! Opus in pauses, in which it sends next to nothing where the receiver wants that (`usedtx=1`, RFC 7587
//! section 3.1.3).

use sems_audio::codec::{Parameters, g711, opus::OPUS};

use crate::{
    stage::Stage,
    wideband::{Speaker, run},
};

/// One who speaks and one who listens, with Opus, for two seconds.
fn two(stage: &mut Stage, dtx: bool) -> [Speaker; 2] {
    let room = stage.room(0);
    let mut speaker = Speaker::new(stage, &OPUS, Some(room));
    let listener = Speaker::new(stage, &OPUS, Some(room));
    stage.update(listener.phone, |negotiated| negotiated.parameters.dtx = dtx);
    speaker.speak(430.0);
    let mut speakers = [speaker, listener];
    run(stage, &mut speakers, 100);
    speakers
}

#[test]
fn who_wants_pauses_left_out_gets_few_packets_in_them_and_the_next_word_marked_and_whole() {
    for (dtx, fewest, most) in [(false, 150, 150), (true, 5, 40)] {
        let mut stage = Stage::new(1);
        let mut speakers = two(&mut stage, dtx);
        let listener = speakers[1].phone;
        stage.forget();
        speakers[0].hush();
        run(&mut stage, &mut speakers, 150);
        let pause = stage.phones[listener].received.len();
        assert!((fewest..=most).contains(&pause), "{pause} packets");
        speakers[0].speak(430.0);
        run(&mut stage, &mut speakers, 50);
        assert!(speakers[1].hears(&stage, 430.0));
        let received = &stage.phones[listener].received;
        for pair in received.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            assert_eq!(next.header.sequence, one.header.sequence.plus(1));
            // Time goes on in a pause, and what follows on it is marked.
            let told = next.header.timestamp.since(one.header.timestamp);
            let waited = (next.at - one.at).as_millis() as i32 * 48;
            assert_eq!(told, waited);
            assert_eq!(next.header.marker, told > 960);
        }
    }
}

#[test]
fn who_leaves_pauses_out_loses_nothing_and_is_silent_in_them() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let mut speaker = Speaker::new(&mut stage, &OPUS, Some(room));
    speaker.encoder = OPUS.encoder(Parameters {
        dtx: true,
        ..Parameters::default()
    });
    let listener = Speaker::new(&mut stage, &g711::PCMU, Some(room));
    let mut speakers = [speaker, listener];
    for _ in 0..3 {
        speakers[0].speak(430.0);
        // Opus takes a tone that lasts for noise.
        run(&mut stage, &mut speakers, 40);
        assert!(speakers[1].hears(&stage, 430.0));
        speakers[0].hush();
        let sent = stage.phones[speakers[0].phone].sequence;
        run(&mut stage, &mut speakers, 150);
        let sent = stage.phones[speakers[0].phone].sequence.wrapping_sub(sent);
        assert!(sent < 40, "{sent} packets in a pause");
        assert!(!speakers[1].hears(&stage, 430.0));
        let heard = speakers[1].heard(&stage);
        let end = &heard[heard.len() - 8_000..];
        assert!(end.iter().all(|sample| sample.unsigned_abs() < 100));
    }
    let quality = stage.quality(speakers[0].phone).unwrap();
    assert_eq!((quality.lost, stage.stat("rtp_lost")), (0, 0));
}
