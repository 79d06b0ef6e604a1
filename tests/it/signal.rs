//! The words themselves.

use ifrit::{Signal, signal::ParseSignalError};

fn all() -> impl Iterator<Item = Signal> {
    (1..=64).filter_map(Signal::from_raw)
}

#[test]
fn a_name_is_read_in_any_case_with_and_without_its_prefix() {
    for text in ["TERM", "term", "SIGTERM", "sigterm", "SigTerm", " TERM\n"] {
        assert_eq!(text.parse(), Ok(Signal::TERMINATE), "{text:?}");
    }
    assert_eq!("usr1".parse(), Ok(Signal::USER1));
}

#[test]
fn a_number_is_read() {
    assert_eq!("15".parse(), Ok(Signal::TERMINATE));
    assert_eq!("1".parse(), Ok(Signal::HANGUP));
    assert_eq!("64".parse::<Signal>().map(Signal::as_raw), Ok(64));
}

#[test]
fn every_signal_reads_back_what_it_prints() {
    assert_eq!(all().count(), 64);
    for signal in all() {
        let text = signal.to_string();
        assert!(text.starts_with("SIG"), "{text}");
        assert_eq!(text.parse(), Ok(signal), "{text}");
        assert_eq!(signal.as_raw().to_string().parse(), Ok(signal), "{text}");
        assert_eq!(format!("{signal:?}"), text);
    }
}

#[test]
fn text_that_is_no_signal_is_refused_and_given_back() {
    let bad = [
        "",
        " ",
        "SIG",
        "SIGSIGTERM",
        "SIGNOPE",
        "TERM INT",
        "TERM\0",
        "0",
        "65",
        "-15",
        "15.0",
        "0x0f",
        "1e1",
        "99999999999999999999999",
        "١٥",
        "ＴＥＲＭ",
        "🛑",
    ];
    for text in bad {
        let refused: Result<Signal, ParseSignalError> = text.parse();
        assert_eq!(refused.map_err(|error| error.text), Err(text.to_owned()));
    }
    let very_long = "9".repeat(1_000_000);
    assert!(very_long.parse::<Signal>().is_err());
}

#[test]
fn a_number_outside_1_to_64_is_no_signal() {
    for raw in [i32::MIN, -15, -1, 0, 65, 256 + 15, i32::MAX] {
        assert_eq!(Signal::from_raw(raw), None, "{raw}");
    }
}

#[test]
fn four_signals_are_stop_signals_and_no_other() {
    let stops: Vec<_> = all().filter(|signal| signal.is_stop()).collect();
    assert_eq!(
        stops,
        [
            Signal::INTERRUPT,
            Signal::QUIT,
            Signal::KILL,
            Signal::TERMINATE
        ]
    );
}

#[test]
fn a_printed_signal_can_be_padded() {
    assert_eq!(format!("[{:>8}]", Signal::TERMINATE), "[ SIGTERM]");
    let unnamed = Signal::from_raw(64).unwrap();
    assert_eq!(format!("[{unnamed:<6}]"), "[SIG64 ]");
}
