//! Listening in on calls and rooms.

use sems_audio::dtmf::goertzel;
use sems_engine::{
    command::{Direction, Listener, MediaCommand, Tapped},
    event::Event,
    ids::{PlayId, TapId},
    media::{
        player::Player,
        prompt::Prompt,
        tap::{Block, BlockReader, tap},
    },
};

use crate::stage::Stage;

/// Listens in blocks of `ms` milliseconds at `rate` Hz.
fn listen(stage: &mut Stage, of: Tapped, id: u64, rate: u32, ms: u32) -> BlockReader {
    let (writer, reader) = tap(2, 8000);
    let tap = TapId(id);
    stage.must(MediaCommand::Tap { of, tap, writer });
    BlockReader::new(reader, rate, (rate * ms / 1000) as usize).unwrap()
}

fn blocks(reader: &mut BlockReader) -> Vec<Block> {
    std::iter::from_fn(|| reader.next_block()).collect()
}

fn samples(blocks: &[Block]) -> Vec<i16> {
    blocks
        .iter()
        .flat_map(|block| block.samples.to_vec())
        .collect()
}

fn is_heard_in(samples: &[i16], rate: u32, hz: f32) -> bool {
    goertzel(samples, rate, hz) > -23.0
}

#[test]
fn a_tap_hears_one_direction_each_tick() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    let call = stage.phones[phones[0]].call;
    stage.run(200);
    for (id, (direction, there, not_there)) in (1..).zip([
        (Direction::In, 440.0, 700.0),
        (Direction::Out, 700.0, 440.0),
    ]) {
        let mut reader = listen(&mut stage, Tapped::Call(call, direction), id, 8000, 20);
        stage.run(1000);
        let heard = blocks(&mut reader);
        assert_eq!(heard.len(), 50);
        for pair in heard.windows(2) {
            assert_eq!(pair[1].at - pair[0].at, 20_000_000);
        }
        let heard = samples(&heard);
        assert!(is_heard_in(&heard, 8000, there) && !is_heard_in(&heard, 8000, not_there));
    }
    stage.run(500);
    stage.hang_up(phones[0]);
}

#[test]
fn a_tap_of_a_room_hears_everybody_and_what_is_played_there() {
    let mut stage = Stage::new(1);
    let (room, _) = stage.conference(&[440.0, 700.0]);
    let prompt = std::sync::Arc::new(Prompt::tone("sine:1500:60000:-20").unwrap());
    stage.play_to(Listener::Room(room), vec![prompt], 1);
    stage.run(200);
    let mut reader = listen(&mut stage, Tapped::Room(room), 1, 8000, 100);
    stage.run(1000);
    let heard = samples(&blocks(&mut reader));
    assert_eq!(heard.len(), 8000);
    for hz in [440.0, 700.0, 1500.0] {
        assert!(is_heard_in(&heard, 8000, hz));
    }
}

#[test]
fn several_listeners_share_a_tap_each_with_its_own_blocks_and_rate() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0]);
    let call = stage.phones[phones[0]].call;
    stage.run(200);
    let of = Tapped::Call(call, Direction::In);
    let first = listen(&mut stage, of, 1, 8000, 20);
    let mut others: Vec<BlockReader> = [(8000, 10), (16_000, 30), (24_000, 100), (48_000, 1000)]
        .into_iter()
        .map(|(rate, ms)| {
            BlockReader::new(first.reader(), rate, rate as usize * ms / 1000).unwrap()
        })
        .collect();
    stage.run(1100);
    for (reader, rate) in others.iter_mut().zip([8000, 16_000, 24_000, 48_000]) {
        let heard = samples(&blocks(reader));
        assert!(heard.len() >= rate as usize, "{} at {rate}", heard.len());
        assert!(is_heard_in(&heard[..rate as usize], rate, 440.0));
    }
}

#[test]
fn who_waits_for_a_block_is_told_once_for_each() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.run(200);
    let of = Tapped::Call(call, Direction::In);
    let mut reader = listen(&mut stage, of, 7, 8000, 100);
    let mut told = 0;
    assert!(reader.wake_for_block());
    for _ in 0..1000 {
        stage.events.clear();
        stage.run(1);
        let ready = stage.events.iter();
        let ready = ready.filter(|event| matches!(event, Event::TapReady { tap: TapId(7) }));
        if ready.count() > 0 {
            told += 1;
            assert_eq!(blocks(&mut reader).len(), 1);
            assert!(reader.wake_for_block());
        }
    }
    assert_eq!(told, 10);
}

#[test]
fn the_reader_of_a_tap_sees_the_end_of_a_call_and_of_a_room() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let room = stage.room(0);
    stage.join(phone, room);
    let call = stage.phones[phone].call;
    let mut of_call = listen(&mut stage, Tapped::Call(call, Direction::In), 1, 8000, 200);
    let mut of_room = listen(&mut stage, Tapped::Room(room), 2, 8000, 200);
    stage.run(300);
    assert!(!of_call.is_finished() && !of_room.is_finished());
    stage.hang_up(phone);
    stage.must(MediaCommand::CloseRoom { room });
    stage.run(200);
    for reader in [&mut of_call, &mut of_room] {
        assert!(reader.is_finished());
        let lengths: Vec<usize> = blocks(reader)
            .iter()
            .map(|block| block.samples.len())
            .collect();
        assert_eq!(lengths, [1600, 800]);
        assert!(!reader.wake_for_block());
    }
}

#[test]
fn what_is_written_is_heard_by_the_caller_alone_and_stops_when_it_is_cleared() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    let listener = Listener::Call(stage.phones[phones[0]].call);
    let (player, mut feed) = Player::feed(PlayId(9), std::time::Duration::from_secs(5));
    let player = Box::new(player);
    stage.must(MediaCommand::Start { listener, player });
    let tone = Prompt::tone("sine:1500:4000:-20").unwrap();
    feed.write(tone.samples(), 8000).unwrap().unwrap();
    stage.run(1000);
    assert!(stage.phones[phones[0]].hears(1500.0) && stage.phones[phones[0]].hears(700.0));
    assert!(!stage.phones[phones[1]].hears(1500.0));
    feed.clear();
    stage.run(500);
    assert!(!stage.phones[phones[0]].hears(1500.0) && stage.phones[phones[0]].hears(700.0));
    assert_eq!(stage.finished(PlayId(9)), None);
    drop(feed);
    stage.run(100);
    assert_eq!(stage.finished(PlayId(9)), Some(true));
}

#[test]
fn what_is_written_to_a_room_is_heard_by_all_sample_by_sample() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let phones = [stage.call(0), stage.call(0)];
    for phone in phones {
        stage.join(phone, room);
    }
    let (player, mut feed) = Player::feed(PlayId(9), std::time::Duration::from_secs(5));
    let player = Box::new(player);
    let listener = Listener::Room(room);
    stage.must(MediaCommand::Start { listener, player });
    let words: Vec<i16> = (0..2000).map(|n| (n * 37 % 9001 - 4500) as i16).collect();
    for piece in words.chunks(333) {
        feed.write(piece, 8000).unwrap().unwrap();
    }
    assert!(feed.wake_below(std::time::Duration::ZERO));
    stage.run(500);
    let told = stage.events.iter();
    let told = told.filter(|event| matches!(event, Event::FeedReady { play: PlayId(9) }));
    assert_eq!(told.count(), 1);
    let mut payload = vec![0; words.len()];
    sems_audio::codec::g711::encode_ulaw(&words, &mut payload);
    for phone in phones {
        let sent: Vec<u8> = stage.phones[phone]
            .received
            .iter()
            .flat_map(|packet| packet.payload.clone())
            .collect();
        assert!(sent.windows(payload.len()).any(|window| window == payload));
    }
}
