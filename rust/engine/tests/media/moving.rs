//! Calls that come, go and change rooms.

use sems_engine::{
    command::{Listener, MediaCommand},
    event::Event,
    ids::{CallId, RoomId},
};

use crate::stage::{MS, Stage, TICK};

#[test]
fn a_call_moves_between_workers_without_a_break_in_its_packets() {
    let mut stage = Stage::new(2);
    let rooms = [stage.room(0), stage.room(1)];
    let mover = stage.call(0);
    let partners = [stage.call(0), stage.call(1)];
    for (partner, room, tone) in [(0, rooms[0], 440.0), (1, rooms[1], 700.0)] {
        stage.join(partners[partner], room);
        stage.phones[partners[partner]].speak(Some(tone));
    }
    stage.phones[mover].speak(Some(1000.0));
    for round in 0..10 {
        let here = round % 2;
        stage.join(mover, rooms[here]);
        stage.run(1000);
        let there = 1 - here;
        assert!(stage.phones[mover].hears([440.0, 700.0][here]));
        assert!(!stage.phones[mover].hears([440.0, 700.0][there]));
        assert!(stage.phones[partners[here]].hears(1000.0));
        assert!(!stage.phones[partners[there]].hears(1000.0));
    }
    let packets = &stage.phones[mover].received;
    stage.phones[mover].assert_unbroken();
    assert!((498..=501).contains(&packets.len()), "{}", packets.len());
    for pair in packets.windows(2) {
        let gap = pair[1].at - pair[0].at;
        assert!((10 * MS..=30 * MS).contains(&gap), "{gap:?}");
    }
}

#[test]
fn many_moves_leave_a_call_on_its_own_time() {
    let mut stage = Stage::new(2);
    // Rooms in different slots: enough legs before each that the first slots are full.
    let rooms: Vec<RoomId> = (0..6)
        .map(|number| {
            let room = stage.room(number % 2);
            for _ in 0..20 {
                let phone = stage.call(number % 2);
                stage.phones[phone].sends = false;
                stage.join(phone, room);
            }
            room
        })
        .collect();
    let mover = stage.call(0);
    stage.run(100);
    stage.forget();
    for turn in 0..200 {
        stage.join(mover, rooms[turn * 7 % 6]);
        stage.run(37);
    }
    let packets = &stage.phones[mover].received;
    let (first, last) = (&packets[0], &packets[packets.len() - 1]);
    let sent = last.header.timestamp.since(first.header.timestamp) / 8;
    let took = (last.at - first.at).as_millis() as i32;
    assert!((sent - took).abs() <= 20, "{sent} ms of audio in {took} ms");
    for pair in packets.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.plus(1));
    }
}

#[test]
fn commands_follow_a_call_and_keep_their_order() {
    let mut stage = Stage::new(2);
    let away = stage.room(1);
    let back = stage.room(0);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let mut requests = Vec::new();
    for on in [true, false, true] {
        requests.push(stage.ask(MediaCommand::Join {
            call,
            room: Some(away),
        }));
        requests.push(stage.ask(MediaCommand::Mute { call, on }));
        requests.push(stage.ask(MediaCommand::Join {
            call,
            room: Some(back),
        }));
        requests.push(stage.ask(MediaCommand::Mute { call, on: !on }));
        requests.push(stage.ask(MediaCommand::Join { call, room: None }));
    }
    for request in requests {
        assert_eq!(stage.completion(request), Ok(()));
    }
    // The last word was: not muted.
    stage.join(phone, back);
    let listener = stage.call(0);
    stage.join(listener, back);
    stage.phones[phone].speak(Some(440.0));
    stage.run(1000);
    assert!(stage.phones[listener].hears(440.0));
}

#[test]
fn a_room_that_does_not_exist_leaves_the_call_where_it_can_be_reached() {
    let mut stage = Stage::new(2);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    for home in [0, 1] {
        let room = Some(RoomId::new(999, home));
        let error = stage
            .command(MediaCommand::Join { call, room })
            .unwrap_err();
        assert!(error.contains("there is no room"), "{error}");
        stage.must(MediaCommand::Mute { call, on: true });
    }
    let unknown = Some(RoomId::new(999, 77));
    let join = MediaCommand::Join {
        call,
        room: unknown,
    };
    assert!(stage.command(join).is_err());
    stage.must(MediaCommand::Mute { call, on: false });
    stage.run(200);
    stage.phones[phone].assert_unbroken();
}

#[test]
fn a_call_that_does_not_exist_is_an_error() {
    let mut stage = Stage::new(2);
    for home in [0, 1, 99] {
        let call = CallId::new(5, home);
        let error = stage
            .command(MediaCommand::Mute { call, on: true })
            .unwrap_err();
        assert!(error.contains("has no audio"), "{error}");
        let join = MediaCommand::Join { call, room: None };
        assert!(stage.command(join).is_err());
    }
}

#[test]
fn a_closed_room_leaves_its_calls_each_alone() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(1000);
    assert!(stage.phones[0].hears(700.0));
    stage.must(MediaCommand::CloseRoom { room });
    assert_eq!(stage.rooms_and_legs(), (2, 2));
    stage.run(1000);
    for phone in phones {
        assert!(!stage.phones[phone].hears(440.0) && !stage.phones[phone].hears(700.0));
        stage.phones[phone].assert_unbroken();
    }
    assert!(stage.command(MediaCommand::CloseRoom { room }).is_err());
}

#[test]
fn a_call_that_is_over_leaves_nothing_behind() {
    let mut stage = Stage::new(2);
    let room = stage.room(1);
    let sockets = stage.network.sockets();
    let phone = stage.call(0);
    stage.join(phone, room);
    stage.run(100);
    stage.hang_up(phone);
    stage.run(10);
    assert_eq!(stage.rooms_and_legs(), (1, 0));
    // The phone's own two are left.
    assert_eq!(stage.network.sockets(), sockets + 2);
    let goodbye = stage.phones[phone].reports.last().unwrap();
    let packets = sems_rtp::rtcp::parse(goodbye).unwrap();
    assert!(
        packets
            .into_iter()
            .any(|packet| matches!(packet, sems_rtp::rtcp::ControlPacket::Goodbye(_)))
    );
    stage.forget();
    stage.run(1000);
    assert!(stage.phones[phone].received.is_empty());
    let call = stage.phones[phone].call;
    assert!(
        stage
            .command(MediaCommand::Mute { call, on: true })
            .is_err()
    );
}

#[test]
fn ticks_that_were_missed_are_skipped_and_timestamps_move_on() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    // Not at a tick, so that nothing is on its way when time jumps.
    stage.run(1005);
    stage.forget();
    stage.sleep(TICK * 10);
    stage.run(1000);
    assert!((8..=9).contains(&stage.stat("skipped_ticks")));
    for phone in phones {
        let packets = &stage.phones[phone].received;
        assert!((50..=52).contains(&packets.len()), "{}", packets.len());
        let (first, last) = (&packets[0], &packets[packets.len() - 1]);
        let sent = last.header.timestamp.since(first.header.timestamp) / 8;
        let took = (last.at - first.at).as_millis() as i32;
        assert!((sent - took).abs() <= 20, "{sent} ms of audio in {took} ms");
        for pair in packets.windows(2) {
            assert_eq!(pair[1].header.sequence, pair[0].header.sequence.plus(1));
        }
        let jumps = packets
            .windows(2)
            .filter(|pair| pair[1].header.timestamp.since(pair[0].header.timestamp) != 160);
        assert!(jumps.count() <= 1);
    }
    assert!(stage.phones[0].hears(700.0));
}

#[test]
fn a_room_that_panics_ends_alone() {
    let mut stage = Stage::new(1);
    let (room, _) = stage.conference(&[440.0, 700.0]);
    let (_, others) = stage.conference(&[1000.0, 1300.0]);
    let prompt =
        std::sync::Arc::new(sems_engine::media::prompt::Prompt::tone("silence:9000").unwrap());
    let play = stage.play_to(Listener::Room(room), vec![prompt], 1);
    let bomb = stage.bomb(room);
    stage.run(1000);
    let faults = stage.faults.lock().unwrap().clone();
    assert_eq!(faults.len(), 3);
    assert!(faults.contains(&bomb));
    assert_eq!(stage.finished(play), Some(false));
    let told = stage.events.iter().any(
        |event| matches!(event, Event::Fault { message } if message.contains("socket of doom")),
    );
    assert!(told);
    assert!(stage.phones[others[0]].hears(1300.0));
    assert_eq!(stage.rooms_and_legs(), (1, 2));
    let call = stage.phones[0].call;
    assert!(
        stage
            .command(MediaCommand::Mute { call, on: true })
            .is_err()
    );
}
