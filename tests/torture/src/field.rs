//! Reading one field of a message by a short name, as the rows give it.

use sems_sdp::SessionDescription;
use sems_sip::header::{
    CSeq, CallId, Contact, ContentType, From, Header, MaxForwards, NameAddr, Params, Route, To, Via,
};
use sems_sip::{Bytes, HeaderName, Message, Uri, body};

/// The value of a field. Panics when the message hasn't got it: a row that asks for it is wrong,
/// or the parser is.
///
/// | field | value |
/// |---|---|
/// | `method`, `uri`, `status`, `reason` | of the start line |
/// | `from`, `to`, `contact.N`, `route.N` | with `.display`, `.tag`, `.param:NAME`, `.uri` |
/// | `…uri` | with `.user`, `.password`, `.host`, `.port`, `.param:NAME`, `.header:NAME` |
/// | `via.N` | with `.transport`, `.host`, `.port`, `.branch`, `.received` |
/// | `vias`, `contacts` | how many there are |
/// | `cseq`, `call-id`, `max-forwards`, `type` | parsed and printed |
/// | `header:NAME` | the text of all rows, joined |
/// | `body` | its length in bytes |
/// | `part.N` | the type of a part of the body, with `.body` its length |
/// | `sdp.c`, `sdp.N.c` | the address of the session and of a media line |
pub fn read(message: &Message, field: &str) -> String {
    let headers = message.headers();
    let (head, rest) = field.split_once('.').unwrap_or((field, ""));
    match (head, message) {
        ("method", Message::Request(request)) => request.method.to_string(),
        ("uri", Message::Request(request)) => uri(&request.uri, rest),
        ("status", Message::Response(response)) => response.status.to_string(),
        ("reason", Message::Response(response)) => response.reason.to_string(),
        ("from", _) => address(&require::<From>(message), rest),
        ("to", _) => address(&require::<To>(message), rest),
        ("cseq", _) => require::<CSeq>(message).to_string(),
        ("call-id", _) => require::<CallId>(message).to_string(),
        ("max-forwards", _) => require::<MaxForwards>(message).to_string(),
        ("type", _) => require::<ContentType>(message).to_string(),
        ("vias", _) => all::<Via>(message).len().to_string(),
        ("contacts", _) => all::<Contact>(message).len().to_string(),
        ("via", _) => {
            let (via, rest) = nth::<Via>(message, rest);
            via_field(&via, rest)
        }
        ("contact", _) => {
            let (contact, rest) = nth::<Contact>(message, rest);
            address(contact.address().expect("an address"), rest)
        }
        ("route", _) => {
            let (route, rest) = nth::<Route>(message, rest);
            address(&route, rest)
        }
        ("body", Message::Request(request)) => request.body.len().to_string(),
        ("body", Message::Response(response)) => response.body.len().to_string(),
        ("part", Message::Request(request)) => part(message, &request.body, rest),
        ("sdp", Message::Request(request)) => sdp(&request.body, rest),
        _ => {
            let name = field.strip_prefix("header:").expect("a known field");
            let name = HeaderName::parse(&name.into()).expect("a header's name");
            let rows: Vec<_> = headers.get_all(&name).collect();
            rows.join(", ")
        }
    }
}

fn require<T: Header>(message: &Message) -> T {
    message
        .headers()
        .require()
        .expect("a header that can be read")
}

fn all<T: Header>(message: &Message) -> Vec<T> {
    let all = message.headers().get_all_typed();
    all.map(|one| one.expect("a header that can be read"))
        .collect()
}

/// The header whose number `rest` starts with, and what follows that.
fn nth<'a, T: Header>(message: &Message, rest: &'a str) -> (T, &'a str) {
    let (number, rest) = rest.split_once('.').unwrap_or((rest, ""));
    let number = number.parse().expect("a number");
    let mut all = all::<T>(message);
    (all.remove(number), rest)
}

fn address(address: &NameAddr, rest: &str) -> String {
    if rest.starts_with("param:") {
        return param(&address.params, rest);
    }
    let (head, rest) = rest.split_once('.').unwrap_or((rest, ""));
    match head {
        "display" => address.display_name().unwrap_or_default().into_owned(),
        "tag" => address.tag().unwrap_or_default().to_owned(),
        "uri" => uri(&address.uri, rest),
        _ => panic!("no field {head}"),
    }
}

fn param(params: &Params, field: &str) -> String {
    let name = field.strip_prefix("param:").expect("a known field");
    let value = params.get_unquoted(name);
    value.unwrap_or("none".into()).into_owned()
}

fn uri(uri: &Uri, rest: &str) -> String {
    let sip = || uri.as_sip().expect("a SIP URI");
    match rest.split_once(':').unwrap_or((rest, "")) {
        ("", _) => uri.to_string(),
        ("scheme", _) => uri.scheme().to_owned(),
        ("user", _) => sip().user().unwrap_or_default().into_owned(),
        ("password", _) => sip().password().unwrap_or_default().into_owned(),
        ("host", _) => sip().host().to_string(),
        ("port", _) => sip().port().map_or("none".to_owned(), |p| p.to_string()),
        ("param", name) => sip().param(name).unwrap_or("none".into()).into_owned(),
        ("header", name) => {
            let mut headers = sip().headers();
            let found = headers.find(|(n, _)| *n == name);
            found.expect("the header").1.to_owned()
        }
        _ => panic!("no field {rest}"),
    }
}

fn via_field(via: &Via, field: &str) -> String {
    match field {
        "transport" => via.transport.to_string(),
        "host" => via.host.to_string(),
        "port" => via.port.map_or("none".to_owned(), |p| p.to_string()),
        "branch" => via.branch().unwrap_or_default().to_owned(),
        "received" => via.received().expect("an address").to_string(),
        _ => panic!("no field {field}"),
    }
}

fn part(message: &Message, content: &Bytes, rest: &str) -> String {
    let (number, rest) = rest.split_once('.').unwrap_or((rest, ""));
    let parts = body::parts(&require(message), content).expect("parts");
    let part = &parts[number.parse::<usize>().expect("a number")];
    match rest {
        "" => {
            let kind: ContentType = part.headers.require().expect("a type");
            kind.to_string()
        }
        _ => part.body.len().to_string(),
    }
}

fn sdp(body: &[u8], field: &str) -> String {
    let description = SessionDescription::parse(body).expect("a description");
    let address = match field.split_once('.') {
        None => description.connection.as_ref(),
        Some((number, _)) => {
            let number: usize = number.parse().expect("a number");
            description.connection_of(&description.media[number])
        }
    };
    address.expect("c=").address.to_string()
}
