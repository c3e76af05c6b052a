//! Going about in WAV files, and writing more than one channel.

use std::io::Cursor;

use sems_audio::wav::{self, Reader, Writer};

/// A file of as many channels, in which each sample of each channel tells its place.
fn file(channels: u16, frames: i16) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut writer = Writer::with_channels(&mut file, 8_000, channels).unwrap();
    for frame in 0..frames {
        writer.write(&vec![frame; channels.into()]).unwrap();
    }
    writer.flush().unwrap();
    file.into_inner()
}

fn rest(reader: &mut Reader<Cursor<Vec<u8>>>) -> Vec<i16> {
    let mut samples = Vec::new();
    while reader.read(&mut samples).unwrap() > 0 {}
    samples
}

#[test]
fn any_sample_can_be_gone_to_at_any_time() {
    for channels in [1, 2] {
        let mut reader = Reader::new(Cursor::new(file(channels, 10_000))).unwrap();
        assert_eq!(reader.frames().unwrap(), 10_000);
        for frame in [5_000, 0, 9_999, 1, 10_000, u64::MAX, 4_097] {
            reader.seek(frame).unwrap();
            let expected: Vec<i16> = (frame.min(10_000) as i16..10_000).collect();
            assert_eq!(rest(&mut reader), expected, "{frame}");
            assert_eq!(reader.frames().unwrap(), 10_000);
        }
        reader.seek(10).unwrap();
        let mut some = Vec::new();
        reader.read(&mut some).unwrap();
        reader.seek(10).unwrap();
        assert_eq!(rest(&mut reader)[..some.len()], some);
    }
}

#[test]
fn a_file_is_as_long_as_what_is_there_whatever_its_header_says() {
    let whole = file(1, 1_000);
    // Cut off, and never told how long it is.
    let cut = whole[..44 + 600].to_vec();
    assert_eq!(
        Reader::new(Cursor::new(cut)).unwrap().frames().unwrap(),
        300
    );
    for unknown in [0u32, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[40..44].copy_from_slice(&unknown.to_le_bytes());
        let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
        assert_eq!(reader.frames().unwrap(), 1_000);
        reader.seek(900).unwrap();
        assert_eq!(rest(&mut reader), (900..1_000).collect::<Vec<i16>>());
    }
    // What follows the audio is none.
    let mut bytes = whole;
    bytes.extend(b"LIST\x04\0\0\0abcd");
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    assert_eq!(reader.frames().unwrap(), 1_000);
    reader.seek(2_000).unwrap();
    assert!(rest(&mut reader).is_empty());
}

#[test]
fn floats_of_64_bits_are_read() {
    let mut bytes = file(1, 0);
    bytes[20..22].copy_from_slice(&3u16.to_le_bytes());
    bytes[28..32].copy_from_slice(&64_000u32.to_le_bytes());
    bytes[32..34].copy_from_slice(&8u16.to_le_bytes());
    bytes[34..36].copy_from_slice(&64u16.to_le_bytes());
    for value in [0.5f64, -0.5, 7.0, f64::NAN] {
        bytes.extend(value.to_le_bytes());
    }
    let size = bytes.len() as u32 - 44;
    bytes[40..44].copy_from_slice(&size.to_le_bytes());
    assert_eq!(
        wav::read(&bytes[..], 8_000).unwrap(),
        [16_384, -16_384, i16::MAX, 0]
    );
}

#[test]
fn several_channels_are_written_in_turn() {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = Writer::with_channels(&mut bytes, 8_000, 2).unwrap();
    writer.write(&[1, -1, 2, -2]).unwrap();
    writer.flush().unwrap();
    let bytes = bytes.into_inner();
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    // Channels, bytes of a sample of both, bits.
    assert_eq!((word(22), word(32), word(34)), (2, 4, 16));
    assert_eq!(bytes[28..32], 32_000u32.to_le_bytes());
    assert_eq!(bytes[40..44], 8u32.to_le_bytes());
    assert_eq!(bytes[44..], [1, 0, 255, 255, 2, 0, 254, 255]);
    for channels in [0, 9] {
        assert!(Writer::with_channels(Cursor::new(Vec::new()), 8_000, channels).is_err());
    }
}

#[test]
fn silence_is_written_without_its_samples_and_read_like_them() {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = Writer::with_channels(&mut bytes, 8_000, 2).unwrap();
    writer.write_silence(3).unwrap();
    writer.write(&[7; 4]).unwrap();
    writer.write_silence(0).unwrap();
    writer.write_silence(20_000).unwrap();
    // The header has been told of a second's worth at once.
    let told = u32::from_le_bytes(writer.get_ref().get_ref()[40..44].try_into().unwrap());
    assert_eq!(told, (3 + 2 + 20_000) * 4);
    writer.flush().unwrap();
    let length = writer.file_len();
    let bytes = bytes.into_inner();
    assert_eq!(bytes.len() as u64, length);
    let read = wav::read(&bytes[..], 8_000).unwrap();
    assert_eq!(read.len(), 20_005);
    assert_eq!(
        (&read[..6], &read[6..]),
        (&[0, 0, 0, 7, 7, 0][..], &[0; 19_999][..])
    );
    let mut full = Writer::new(Cursor::new(Vec::new()), 8_000).unwrap();
    assert!(full.write_silence(u64::MAX).is_err());
    assert!(full.is_empty());
}
