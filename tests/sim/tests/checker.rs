//! The checker of the simulation complains about wires that break a law, and only about those.

mod doctored;

use std::time::Duration;

use doctored::{Wire, answer, from_b, invite, reply, request};
use sems_sim::checker::Law;

const SDP: &str = "Contact: <sip:b@192.0.2.2>\r\nContent-Type: application/sdp\r\n";

/// A call up to its ACK, which the tests below go on from.
fn up() -> Wire {
    let mut wire = Wire::new();
    let invite = invite();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    wire.b(100, &answer(&invite));
    wire.a(110, &request("ACK", "ack1", 1, "b", "", ""));
    wire
}

fn bye(wire: &mut Wire, at: u64) {
    let bye = request("BYE", "bye", 2, "b", "", "");
    wire.a(at, &bye);
    wire.b(at + 10, &reply(&bye, "200 OK", "", ""));
}

#[test]
fn a_call_by_the_book_breaks_no_law() {
    let mut wire = up();
    bye(&mut wire, 2000);
    wire.assert_lawful();
}

#[test]
fn a_refused_call_by_the_book_breaks_no_law() {
    let mut wire = Wire::new();
    let invite = invite();
    let busy = reply(&invite, "486 Busy Here", "", "");
    let ack = request("ACK", "invite", 1, "b", "", "");
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    wire.b(50, &busy);
    wire.a(60, &ack);
    wire.assert_lawful();
}

#[test]
fn what_cannot_be_read() {
    let mut wire = up();
    wire.a(500, "INVITE sip:b SIP/2.0\r\n\r\n");
    wire.assert_broken(&[Law::Readable]);
}

#[test]
fn a_request_that_comes_again_too_early() {
    let mut wire = Wire::new();
    let info = request("OPTIONS", "options", 1, "", "", "");
    wire.a_lost(0, &info);
    wire.a(300, &info);
    wire.b(310, &reply(&info, "200 OK", "", ""));
    wire.assert_broken(&[Law::RequestRepeats]);
}

#[test]
fn an_invite_that_comes_again_after_its_response() {
    let mut wire = Wire::new();
    let invite = invite();
    wire.a(0, &invite);
    let trying = reply(&invite, "100 Trying", "", "");
    wire.b(10, &trying);
    wire.a(500, &invite);
    wire.b(510, &trying);
    wire.assert_broken(&[Law::RequestRepeats]);
}

#[test]
fn a_request_that_is_never_repeated() {
    let mut wire = Wire::new();
    wire.a_lost(0, &request("OPTIONS", "options", 1, "", "", ""));
    wire.until(2000);
    wire.assert_broken(&[Law::RequestRepeats]);
}

#[test]
fn an_invite_goes_on_doubling_and_another_request_stops_at_t2() {
    let times = |method: &str, gaps: &[u64]| {
        let mut wire = Wire::new();
        let text = match method {
            "INVITE" => invite(),
            _ => request(method, "options", 1, "", "", ""),
        };
        let mut at = 0;
        wire.a_lost(at, &text);
        for gap in gaps {
            at += gap;
            wire.a_lost(at, &text);
        }
        wire.until(at);
        wire
    };
    times("INVITE", &[500, 1000, 2000, 4000, 8000]).assert_lawful();
    times("OPTIONS", &[500, 1000, 2000, 4000, 4000, 4000]).assert_lawful();
    times("INVITE", &[500, 1000, 2000, 4000, 4000]).assert_broken(&[Law::RequestRepeats]);
    times("OPTIONS", &[500, 1000, 2000, 4000, 8000]).assert_broken(&[Law::RequestRepeats]);
    let too_long = [500, 1000, 2000, 4000, 8000, 16000, 32000];
    times("INVITE", &too_long).assert_broken(&[Law::RequestRepeats]);
}

#[test]
fn a_2xx_that_comes_again_after_its_ack() {
    let mut wire = up();
    wire.b_lost(600, &answer(&invite()));
    wire.assert_broken(&[Law::ResponseRepeats]);
}

#[test]
fn a_2xx_that_does_not_come_again_without_ack() {
    let mut wire = Wire::new();
    let invite = invite();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    wire.b_lost(100, &answer(&invite));
    wire.until(1000);
    wire.assert_broken(&[Law::ResponseRepeats]);
}

#[test]
fn a_failure_that_does_not_come_again_when_the_invite_does() {
    let mut wire = Wire::new();
    let invite = invite();
    wire.a(0, &invite);
    wire.b_lost(10, &reply(&invite, "486 Busy Here", "", ""));
    wire.a(500, &invite);
    wire.until(511);
    // Neither for the copy nor for Timer G.
    wire.assert_broken(&[Law::ResponseRepeats, Law::ResponseRepeats]);
}

#[test]
fn a_response_that_answers_nothing() {
    let mut wire = up();
    wire.b(
        500,
        &reply(&request("BYE", "never", 2, "b", "", ""), "200 OK", "", ""),
    );
    wire.assert_broken(&[Law::ResponseToRequest]);
    let mut wire = up();
    wire.b(
        500,
        &reply(&request("ACK", "ack1", 1, "b", "", ""), "200 OK", "", ""),
    );
    wire.assert_broken(&[Law::ResponseToRequest]);
}

#[test]
fn two_final_responses() {
    let mut wire = up();
    let invite = invite();
    wire.b_lost(200, &reply(&invite, "486 Busy Here", "", ""));
    wire.assert_broken(&[Law::OneFinal]);
    let mut wire = up();
    wire.b(
        200,
        &reply(&invite, "180 Ringing", "Contact: <sip:b@192.0.2.2>\r\n", ""),
    );
    wire.assert_broken(&[Law::OneFinal]);
}

#[test]
fn an_invite_that_nothing_answers() {
    let mut wire = Wire::new();
    wire.a(0, &invite());
    wire.until(300);
    wire.assert_broken(&[Law::Provisional]);
}

#[test]
fn provisional_responses_and_408_to_other_requests() {
    let mut wire = up();
    let bye = request("BYE", "bye", 2, "b", "", "");
    wire.a(1000, &bye);
    wire.b(1010, &reply(&bye, "100 Trying", "", ""));
    wire.b(1020, &reply(&bye, "200 OK", "", ""));
    wire.assert_broken(&[Law::Provisional]);
    let mut wire = up();
    wire.a(1000, &bye);
    wire.b(1010, &reply(&bye, "408 Request Timeout", "", ""));
    wire.assert_broken(&[Law::Provisional]);
}

#[test]
fn a_response_that_repeats_wrongly() {
    let mut wire = up();
    let bye = request("BYE", "bye", 2, "b", "", "");
    wire.a(1000, &bye);
    let wrong =
        reply(&bye, "200 OK", "", "").replace("sip:a@192.0.2.1>;tag", "sip:z@192.0.2.1>;tag");
    wire.b(1010, &wrong);
    wire.assert_broken(&[Law::Echo]);
}

#[test]
fn a_to_tag_that_is_missing_or_changes() {
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(
        10,
        &reply(&invite, "404 Not Found", "", "").replace(";tag=b", ""),
    );
    wire.a(20, &request("ACK", "invite", 1, "", "", ""));
    wire.assert_broken(&[Law::ToTag]);
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(
        10,
        &reply(&invite, "180 Ringing", "Contact: <sip:b@192.0.2.2>\r\n", ""),
    );
    wire.b(
        50,
        &reply(&invite, "404 Not Found", "", "").replace("tag=b", "tag=c"),
    );
    wire.a(60, &request("ACK", "invite", 1, "c", "", ""));
    wire.assert_broken(&[Law::ToTag]);
}

#[test]
fn a_branch_that_is_used_twice_or_made_badly() {
    let mut wire = up();
    let bye = request("BYE", "invite", 2, "b", "", "");
    wire.a(1000, &bye);
    wire.b(1010, &reply(&bye, "200 OK", "", ""));
    wire.assert_broken(&[Law::Branch]);
    let mut wire = up();
    let bye = request("BYE", "bye", 2, "b", "", "").replace("z9hG4bK", "1234567");
    wire.a(1000, &bye);
    wire.b(1010, &reply(&bye, "200 OK", "", ""));
    wire.assert_broken(&[Law::Branch]);
}

#[test]
fn the_ack_to_a_2xx_with_the_branch_of_its_invite() {
    let mut wire = Wire::new();
    let invite = invite();
    wire.a(0, &invite);
    wire.b(10, &answer(&invite));
    wire.a(20, &request("ACK", "invite", 1, "b", "", ""));
    // It is taken for an ACK to a failure, and so the 2xx has none.
    wire.until(30);
    assert!(wire.laws().contains(&Law::Ack), "{:?}", wire.laws());
}

#[test]
fn numbers_that_do_not_rise_by_one() {
    for number in [1, 3] {
        let mut wire = up();
        let bye = request("BYE", "bye", number, "b", "", "");
        wire.a(1000, &bye);
        wire.b(1010, &reply(&bye, "200 OK", "", ""));
        wire.assert_broken(&[Law::CSeq]);
    }
}

#[test]
fn the_same_number_again_is_for_another_server_alone() {
    let again = invite().replace("z9hG4bK-long-invite", "z9hG4bK-long-second");
    let mut wire = Wire::new();
    wire.a_lost(0, &invite());
    wire.a(400, &again);
    wire.b(410, &reply(&again, "100 Trying", "", ""));
    wire.until(1000);
    wire.assert_lawful();
    let mut wire = Wire::new();
    wire.a(0, &invite());
    wire.b(10, &reply(&invite(), "100 Trying", "", ""));
    wire.a(400, &again);
    wire.b(410, &reply(&again, "482 Loop Detected", "", ""));
    wire.a(420, &request("ACK", "second", 1, "b", "", ""));
    wire.assert_broken(&[Law::CSeq]);
}

#[test]
fn an_ack_or_cancel_with_a_number_of_its_own() {
    let mut wire = Wire::new();
    let invite = invite();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    let cancel = request("CANCEL", "invite", 2, "", "", "");
    wire.a(50, &cancel);
    wire.b(60, &reply(&cancel, "200 OK", "", ""));
    wire.assert_broken(&[Law::CSeq]);
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "486 Busy Here", "", ""));
    wire.a(20, &request("ACK", "invite", 2, "b", "", ""));
    wire.assert_broken(&[Law::CSeq]);
}

#[test]
fn a_dialog_without_contact() {
    let strip = |text: &str| {
        let lines = text
            .split("\r\n")
            .filter(|line| !line.starts_with("Contact:"));
        lines.collect::<Vec<_>>().join("\r\n")
    };
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &strip(&invite));
    wire.b(10, &answer(&invite));
    wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
    wire.assert_broken(&[Law::Contact]);
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &strip(&answer(&invite)));
    wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
    wire.assert_broken(&[Law::Contact]);
}

#[test]
fn a_final_response_without_ack() {
    for response in [answer(&invite()), reply(&invite(), "486 Busy Here", "", "")] {
        let mut wire = Wire::new();
        wire.a(0, &invite());
        wire.b(10, &response);
        wire.until(400);
        wire.assert_broken(&[Law::Ack]);
    }
}

#[test]
fn an_ack_that_nothing_asked_for() {
    let mut wire = up();
    wire.a(500, &request("ACK", "ack1", 1, "b", "", ""));
    wire.assert_broken(&[Law::Ack]);
    let mut wire = up();
    wire.a(500, &request("ACK", "ack2", 7, "b", "", ""));
    wire.assert_broken(&[Law::Ack]);
}

#[test]
fn an_ack_to_a_failure_that_goes_elsewhere() {
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "486 Busy Here", "", ""));
    let ack = request("ACK", "invite", 1, "b", "", "").replace("ACK sip:b@", "ACK sip:c@");
    wire.a(20, &ack);
    wire.assert_broken(&[Law::Ack]);
}

#[test]
fn a_cancel_out_of_time_or_of_nothing() {
    let invite = invite();
    let cancel = request("CANCEL", "invite", 1, "", "", "");
    let gone = reply(&cancel, "481 Call/Transaction Does Not Exist", "", "");
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.a(5, &cancel);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    wire.b(15, &gone);
    wire.assert_broken(&[Law::Cancel]);
    let mut wire = up();
    wire.a(500, &cancel);
    wire.b(510, &gone);
    wire.assert_broken(&[Law::Cancel]);
    let mut wire = Wire::new();
    let cancel = request("CANCEL", "other", 1, "", "", "");
    wire.a(0, &cancel);
    wire.b(
        10,
        &reply(&cancel, "481 Call/Transaction Does Not Exist", "", ""),
    );
    wire.assert_broken(&[Law::Cancel]);
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    let cancel =
        request("CANCEL", "invite", 1, "", "", "").replace("CANCEL sip:b@", "CANCEL sip:c@");
    wire.a(50, &cancel);
    wire.b(60, &reply(&cancel, "200 OK", "", ""));
    wire.assert_broken(&[Law::Cancel]);
}

#[test]
fn a_bye_of_the_callee_before_the_ack() {
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &answer(&invite));
    let bye = from_b("BYE", "bye", 1, "", "");
    wire.b(15, &bye);
    wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
    wire.a(25, &reply(&bye, "200 OK", "", ""));
    wire.assert_broken(&[Law::Dialog]);
}

#[test]
fn requests_in_no_dialog_or_after_its_end() {
    let mut wire = Wire::new();
    let info = request("INFO", "info", 1, "b", "", "");
    wire.a(0, &info);
    wire.b(
        10,
        &reply(&info, "481 Call/Transaction Does Not Exist", "", ""),
    );
    wire.assert_broken(&[Law::Dialog]);
    let mut wire = up();
    bye(&mut wire, 1000);
    let info = request("INFO", "info", 3, "b", "", "");
    wire.a(2000, &info);
    wire.b(
        2010,
        &reply(&info, "481 Call/Transaction Does Not Exist", "", ""),
    );
    wire.assert_broken(&[Law::Dialog]);
}

#[test]
fn an_invite_while_another_is_open() {
    let mut wire = up();
    let contact = "Contact: <sip:a@192.0.2.1>\r\n";
    let first = request("INVITE", "again", 2, "b", contact, "");
    let second = request("INVITE", "more", 3, "b", contact, "");
    wire.a(1000, &first);
    wire.b(1010, &reply(&first, "100 Trying", "", ""));
    wire.a(1050, &second);
    wire.b(1060, &reply(&second, "500 Server Internal Error", "", ""));
    wire.a(1070, &request("ACK", "more", 3, "b", "", ""));
    wire.assert_broken(&[Law::OneInvite]);
}

#[test]
fn an_offer_without_an_answer_or_an_answer_without_an_offer() {
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(
        10,
        &reply(&invite, "200 OK", "Contact: <sip:b@192.0.2.2>\r\n", ""),
    );
    wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
    wire.assert_broken(&[Law::OfferAnswer]);
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &answer(&invite));
    wire.a(20, &request("ACK", "ack1", 1, "b", SDP, "more"));
    wire.assert_broken(&[Law::OfferAnswer]);
}

#[test]
fn a_late_offer_that_is_not_answered() {
    let late = request(
        "INVITE",
        "invite",
        1,
        "",
        "Contact: <sip:a@192.0.2.1>\r\n",
        "",
    );
    let mut wire = Wire::new();
    wire.a(0, &late);
    wire.b(10, &reply(&late, "200 OK", SDP, "offer"));
    wire.a(20, &request("ACK", "ack1", 1, "b", SDP, "answer"));
    wire.until(1000);
    wire.assert_lawful();
    let mut wire = Wire::new();
    wire.a(0, &late);
    wire.b(10, &reply(&late, "200 OK", SDP, "offer"));
    wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
    wire.until(1000);
    wire.assert_broken(&[Law::OfferAnswer]);
}

#[test]
fn offers_that_cross_and_are_both_accepted() {
    let mut wire = up();
    let ours = request("UPDATE", "update", 2, "b", SDP, "offer");
    let theirs = from_b("UPDATE", "etadpu", 1, SDP, "offer");
    wire.a(1000, &ours);
    wire.b(1005, &theirs);
    wire.b(1010, &reply(&ours, "200 OK", SDP, "answer"));
    wire.a(1015, &reply(&theirs, "200 OK", SDP, "answer"));
    wire.assert_broken(&[Law::OfferAnswer, Law::OfferAnswer]);
    let mut wire = up();
    wire.a(1000, &ours);
    wire.b(1005, &theirs);
    wire.b(1010, &reply(&ours, "491 Request Pending", "", ""));
    wire.a(1015, &reply(&theirs, "491 Request Pending", "", ""));
    wire.assert_lawful();
}

#[test]
fn an_update_that_overtakes_the_ack_is_answered_by_its_own_response() {
    let invite = invite();
    let ack = request("ACK", "ack1", 1, "b", "", "");
    let update = request("UPDATE", "update", 2, "b", SDP, "offer");
    let until_the_ack = || {
        let mut wire = Wire::new();
        wire.a(0, &invite);
        wire.b(10, &answer(&invite));
        wire.a_lost(20, &ack);
        wire.a(30, &update);
        wire.b(510, &answer(&invite));
        wire.a(520, &ack);
        // So that A's repetition meets no answer yet.
        wire.a(530, &update);
        wire
    };
    let mut wire = until_the_ack();
    wire.b(545, &reply(&update, "200 OK", SDP, "answer"));
    wire.assert_lawful();
    let mut wire = until_the_ack();
    let contact = "Contact: <sip:b@192.0.2.2>\r\n";
    wire.b(545, &reply(&update, "200 OK", contact, ""));
    wire.assert_broken(&[Law::OfferAnswer]);
}

#[test]
fn an_early_answer_that_differs_from_the_final_one() {
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "183 Session Progress", SDP, "early"));
    wire.b(50, &answer(&invite));
    wire.a(60, &request("ACK", "ack1", 1, "b", "", ""));
    wire.assert_broken(&[Law::OfferAnswer]);
}

#[test]
fn versions_of_descriptions() {
    let sdp = |version: u32, text: &str| {
        format!("v=0\r\no=- 1 {version} IN IP4 192.0.2.1\r\ns={text}\r\n")
    };
    let again = |version: u32, text: &str| {
        let invite = invite().replace("\r\n\r\noffer", &format!("\r\n\r\n{}", sdp(4, "-")));
        let mut wire = Wire::new();
        wire.a(0, &invite);
        wire.b(10, &answer(&invite));
        wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
        let update = request("UPDATE", "update", 2, "b", SDP, &sdp(version, text));
        wire.a(1000, &update);
        wire.b(1010, &reply(&update, "200 OK", SDP, "answer"));
        wire
    };
    again(4, "-").assert_lawful();
    again(5, "other").assert_lawful();
    again(4, "other").assert_broken(&[Law::Version]);
    again(6, "other").assert_broken(&[Law::Version]);
    again(5, "-").assert_broken(&[Law::Version]);
}

fn reliable_invite() -> String {
    invite().replace("Contact:", "Supported: 100rel\r\nContact:")
}

fn rel(invite: &str, rseq: u32) -> String {
    let extra = format!("Contact: <sip:b@192.0.2.2>\r\nRequire: 100rel\r\nRSeq: {rseq}\r\n");
    reply(invite, "180 Ringing", &extra, "")
}

fn prack(rseq: u32, cseq: u32) -> String {
    let branch = format!("prack{rseq}");
    request(
        "PRACK",
        &branch,
        cseq,
        "b",
        &format!("RAck: {rseq} 1 INVITE\r\n"),
        "",
    )
}

#[test]
fn reliable_responses_by_the_book_break_no_law() {
    let invite = reliable_invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &reply(&invite, "100 Trying", "", ""));
    wire.b_lost(15, &rel(&invite, 7));
    wire.b(515, &rel(&invite, 7));
    wire.a(525, &prack(7, 2));
    wire.b(535, &reply(&prack(7, 2), "200 OK", "", ""));
    wire.b(600, &rel(&invite, 8));
    wire.a(610, &prack(8, 3));
    wire.b(620, &reply(&prack(8, 3), "200 OK", "", ""));
    wire.b(700, &answer(&invite));
    wire.a(710, &request("ACK", "ack1", 1, "b", "", ""));
    wire.until(5000);
    wire.assert_lawful();
}

#[test]
fn reliable_responses_and_pracks_that_break_laws() {
    let start = |invite: &str| {
        let mut wire = Wire::new();
        wire.a(0, invite);
        wire.b(10, &reply(invite, "100 Trying", "", ""));
        wire
    };
    let with = reliable_invite();
    // Not offered.
    let without = invite();
    let mut wire = start(&without);
    wire.b(50, &rel(&without, 1));
    wire.a(60, &prack(1, 2));
    wire.b(70, &reply(&prack(1, 2), "200 OK", "", ""));
    wire.assert_broken(&[Law::Reliable]);
    // Never repeated.
    let mut wire = start(&with);
    wire.b_lost(50, &rel(&with, 1));
    wire.until(1000);
    wire.assert_broken(&[Law::Reliable]);
    // Numbers with a gap.
    let mut wire = start(&with);
    wire.b(50, &rel(&with, 1));
    wire.a(60, &prack(1, 2));
    wire.b(70, &reply(&prack(1, 2), "200 OK", "", ""));
    wire.b(100, &rel(&with, 3));
    wire.assert_broken(&[Law::Reliable]);
    // A second one before the first has its PRACK.
    let mut wire = start(&with);
    wire.b(50, &rel(&with, 1));
    wire.b(55, &rel(&with, 2));
    wire.assert_broken(&[Law::Reliable]);
    // No PRACK.
    let mut wire = start(&with);
    for at in [50, 550, 1550, 3550, 7550, 15550] {
        wire.b(at, &rel(&with, 1));
    }
    wire.b(31550, &rel(&with, 1));
    wire.until(33000);
    wire.assert_broken(&[Law::Reliable]);
    // A PRACK for nothing.
    let mut wire = start(&with);
    wire.b(50, &rel(&with, 1));
    wire.a(60, &prack(9, 2));
    wire.b(
        70,
        &reply(&prack(9, 2), "481 Call/Transaction Does Not Exist", "", ""),
    );
    wire.assert_broken(&[Law::Reliable]);
    // A refused PRACK.
    let mut wire = start(&with);
    wire.b(50, &rel(&with, 1));
    wire.a(60, &prack(1, 2));
    wire.b(
        70,
        &reply(&prack(1, 2), "481 Call/Transaction Does Not Exist", "", ""),
    );
    wire.assert_broken(&[Law::Reliable]);
}

#[test]
fn a_session_that_nobody_refreshes() {
    let invite = invite();
    let timed =
        answer(&invite).replace("Contact:", "Session-Expires: 90;refresher=uac\r\nContact:");
    let run = |refresh_at: Option<u64>| {
        let mut wire = Wire::new();
        wire.a(0, &invite);
        wire.b(10, &timed);
        wire.a(20, &request("ACK", "ack1", 1, "b", "", ""));
        if let Some(at) = refresh_at {
            let update = request(
                "UPDATE",
                "update",
                2,
                "b",
                "Contact: <sip:a@192.0.2.1>\r\n",
                "",
            );
            let extra = "Contact: <sip:b@192.0.2.2>\r\nSession-Expires: 90;refresher=uac\r\n";
            wire.a(at, &update);
            wire.b(at + 10, &reply(&update, "200 OK", extra, ""));
        }
        wire.until(100_000);
        wire
    };
    run(Some(45_000)).assert_lawful();
    run(None).assert_broken(&[Law::SessionTimer, Law::SessionTimer]);
    run(Some(95_000)).assert_broken(&[Law::SessionTimer, Law::SessionTimer]);
}

#[test]
fn a_call_that_is_up_on_one_side_alone() {
    let mut wire = up();
    let bye = request("BYE", "bye", 2, "b", "", "");
    wire.a(1000, &bye);
    wire.b(1010, &reply(&bye, "200 OK", "", ""));
    wire.quiet();
    wire.assert_lawful();
    // The callee never heard the ACK and still says nothing.
    let invite = invite();
    let mut wire = Wire::new();
    wire.a(0, &invite);
    wire.b(10, &answer(&invite));
    wire.a_lost(20, &request("ACK", "ack1", 1, "b", "", ""));
    wire.quiet();
    wire.assert_broken(&[Law::Agreement]);
}

#[test]
fn a_bye_that_never_arrives_is_nobodys_fault() {
    let mut wire = up();
    wire.a_lost(1000, &request("BYE", "bye", 2, "b", "", ""));
    wire.quiet();
    wire.assert_lawful();
}

#[test]
fn the_laws_follow_t1() {
    let mut wire = Wire::new();
    wire.times.t1 = Duration::from_millis(100);
    let options = request("OPTIONS", "options", 1, "", "", "");
    wire.a_lost(0, &options);
    wire.a(100, &options);
    wire.b(110, &reply(&options, "200 OK", "", ""));
    wire.assert_lawful();
}
