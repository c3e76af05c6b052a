//! WAV files, well meant and not.

mod support;

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use proptest::prelude::*;
use sems_audio::codec::g711;
use sems_audio::wav::{self, Reader, Writer};
use sems_audio::{Error, Result};
use support::{signal_to_noise, sine};

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = id.to_vec();
    chunk.extend((body.len() as u32).to_le_bytes());
    chunk.extend(body);
    if body.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let block = bits.div_ceil(8) * channels;
    let mut body = Vec::new();
    body.extend(tag.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(rate.to_le_bytes());
    body.extend((rate.wrapping_mul(u32::from(block))).to_le_bytes());
    body.extend(block.to_le_bytes());
    body.extend(bits.to_le_bytes());
    body
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [b"WAVE".to_vec(), chunks.concat()].concat();
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

/// A file of one sample format.
fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    riff(&[
        chunk(b"fmt ", &format(tag, channels, rate, bits)),
        chunk(b"data", data),
    ])
}

fn read(file: &[u8]) -> Result<Vec<i16>> {
    wav::read(file, 8_000)
}

fn pcm16(samples: &[i16]) -> Vec<u8> {
    samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect()
}

#[test]
fn pcm_of_every_width_is_read() {
    assert_eq!(
        read(&file(1, 1, 8_000, 8, &[0, 128, 255])).unwrap(),
        [-32_768, 0, 32_512]
    );
    let samples = [i16::MIN, -1, 0, 1, i16::MAX];
    assert_eq!(
        read(&file(1, 1, 8_000, 16, &pcm16(&samples))).unwrap(),
        samples
    );
    let wide: Vec<u8> = samples
        .iter()
        .flat_map(|s| [&[0x55], &s.to_le_bytes()[..]].concat())
        .collect();
    assert_eq!(read(&file(1, 1, 8_000, 24, &wide)).unwrap(), samples);
    let wide: Vec<u8> = samples
        .iter()
        .flat_map(|s| [&[0x55, 0xAA], &s.to_le_bytes()[..]].concat())
        .collect();
    assert_eq!(read(&file(1, 1, 8_000, 32, &wide)).unwrap(), samples);
    // Of twelve and twenty bits the lowest are empty.
    let data = pcm16(&[0x7FF0, -16]);
    assert_eq!(read(&file(1, 1, 8_000, 12, &data)).unwrap(), [0x7FF0, -16]);
    let data = [0xF0, 0xFF, 0x7F, 0, 0xFF, 0xFF];
    assert_eq!(read(&file(1, 1, 8_000, 20, &data)).unwrap(), [i16::MAX, -1]);
}

#[test]
fn floats_are_read_and_limited() {
    let floats = [0.5f32, -0.5, 7.0, -7.0, f32::NAN, f32::INFINITY];
    let data: Vec<u8> = floats
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let expected = [16_384, -16_384, i16::MAX, i16::MIN, 0, i16::MAX];
    assert_eq!(read(&file(3, 1, 8_000, 32, &data)).unwrap(), expected);
}

#[test]
fn both_laws_are_read() {
    let codes: Vec<u8> = (0..=255).collect();
    let alaw: Vec<i16> = codes
        .iter()
        .map(|code| g711::linear_from_alaw(*code))
        .collect();
    let ulaw: Vec<i16> = codes
        .iter()
        .map(|code| g711::linear_from_ulaw(*code))
        .collect();
    assert_eq!(read(&file(6, 1, 8_000, 8, &codes)).unwrap(), alaw);
    assert_eq!(read(&file(7, 1, 8_000, 8, &codes)).unwrap(), ulaw);
}

#[test]
fn stereo_becomes_the_mean_of_its_sides() {
    let data = pcm16(&[100, 300, i16::MAX, i16::MAX, i16::MIN, i16::MIN, -50, 50]);
    assert_eq!(
        read(&file(1, 2, 8_000, 16, &data)).unwrap(),
        [200, i16::MAX, i16::MIN, 0]
    );
}

#[test]
fn the_extensible_form_is_read() {
    let mut body = format(0xFFFE, 1, 8_000, 16);
    body.extend([22, 0, 16, 0, 4, 0, 0, 0]);
    body.extend([
        1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71,
    ]);
    let file = riff(&[chunk(b"fmt ", &body), chunk(b"data", &pcm16(&[5, 6]))]);
    assert_eq!(read(&file).unwrap(), [5, 6]);
}

#[test]
fn any_rate_is_brought_to_the_one_asked_for() {
    for rate in [
        11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 352_800, 384_000, 768_000,
    ] {
        let data = pcm16(&sine(rate, 1_000.0, -12.0, rate as usize));
        let got = read(&file(1, 1, rate, 16, &data)).unwrap();
        assert_eq!(got.len(), 8_000);
        let meant = sine(8_000, 1_000.0, -12.0, 8_000);
        assert!(
            signal_to_noise(&meant[400..7_600], &got[400..7_600]) > 55.0,
            "{rate}"
        );
    }
}

#[test]
fn chunks_that_mean_nothing_to_us_are_skipped() {
    let file = riff(&[
        chunk(b"LIST", b"odd"),
        chunk(b"fmt ", &format(1, 1, 8_000, 16)),
        chunk(b"fact", &[0; 4]),
        chunk(b"data", &pcm16(&[1, 2, 3])),
        chunk(b"LIST", b"behind the audio"),
    ]);
    assert_eq!(read(&file).unwrap(), [1, 2, 3]);
}

#[test]
fn a_file_that_was_cut_off_is_read_as_far_as_it_goes() {
    let whole = file(1, 2, 8_000, 16, &pcm16(&[1, 1, 2, 2, 3, 3]));
    assert_eq!(read(&whole[..whole.len() - 1]).unwrap(), [1, 2]);
    assert_eq!(read(&whole[..whole.len() - 4]).unwrap(), [1, 2]);
}

#[test]
fn a_size_that_was_never_filled_in_means_up_to_the_end() {
    for size in [0, u32::MAX] {
        let mut file = file(1, 1, 8_000, 16, &pcm16(&[1, 2, 3]));
        file[40..44].copy_from_slice(&size.to_le_bytes());
        assert_eq!(read(&file).unwrap(), [1, 2, 3]);
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let data = pcm16(&[1, 2]);
    let cases: [(Vec<u8>, &str); 12] = [
        (b"".to_vec(), "ends before its header"),
        (b"ID3 not at all audio".to_vec(), "not a WAV file"),
        (riff(&[]), "ends before its fmt chunk"),
        (
            riff(&[chunk(b"fmt ", &format(1, 1, 8_000, 16))]),
            "ends before its data chunk",
        ),
        (
            riff(&[chunk(b"data", &data)]),
            "no fmt chunk before the data",
        ),
        (
            riff(&[chunk(b"fmt ", &[0; 9]), chunk(b"data", &data)]),
            "too short",
        ),
        (file(1, 0, 8_000, 16, &data), "no channels"),
        (file(1, 65, 8_000, 16, &data), "more than 64 channels"),
        (file(1, 1, 999, 16, &data), "999 Hz is not between 1000 and"),
        (file(1, 1, 768_001, 16, &data), "768001 Hz is not between"),
        (
            file(0x55, 1, 8_000, 16, &data),
            "coding 0x0055 with 16 bits",
        ),
        (file(1, 1, 8_000, 40, &data), "with 40 bits"),
    ];
    for (file, expected) in cases {
        let error = read(&file).expect_err(expected).to_string();
        assert!(
            error.contains(expected),
            "{error:?} should say {expected:?}"
        );
    }
    let mut file = file(1, 1, 8_000, 16, &data);
    file[32] = 3;
    assert!(read(&file).unwrap_err().to_string().contains("block size"));
}

#[test]
fn a_chunk_that_claims_gigabytes_costs_nothing() {
    let mut file = riff(&[chunk(b"junk", &[0; 8])]);
    file[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(read(&file), Err(Error::Truncated(_))));
}

/// A reader that gives a byte at a time.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn a_slow_reader_gives_the_same_samples() {
    let samples: Vec<i16> = (0..5_000).collect();
    let file = file(1, 1, 8_000, 16, &pcm16(&samples));
    assert_eq!(wav::read(Dribble(&file), 8_000).unwrap(), samples);
}

#[test]
fn a_long_file_is_read_a_piece_at_a_time() {
    let file = file(1, 1, 16_000, 16, &vec![1; 1_000_000]);
    let mut reader = Reader::new(&file[..]).unwrap();
    assert_eq!(reader.rate(), 16_000);
    let (mut piece, mut total) = (Vec::new(), 0);
    loop {
        piece.clear();
        let got = reader.read(&mut piece).unwrap();
        assert_eq!(got, piece.len());
        assert!(got <= 8_192);
        if got == 0 {
            break;
        }
        total += got;
    }
    assert_eq!(total, 500_000);
}

#[test]
fn what_is_written_is_read_back() {
    let samples: Vec<i16> = (0..20_000).map(|n| n as i16).collect();
    let mut file = Cursor::new(Vec::new());
    let mut writer = Writer::new(&mut file, 8_000).unwrap();
    for frame in samples.chunks(160) {
        writer.write(frame).unwrap();
    }
    writer.flush().unwrap();
    assert_eq!(writer.len() as usize, samples.len());
    let file = file.into_inner();
    assert_eq!(read(&file).unwrap(), samples);
    assert_eq!(file.len(), 44 + 2 * samples.len());
    assert_eq!(file[4..8], (file.len() as u32 - 8).to_le_bytes());
}

#[test]
fn a_recording_whose_recorder_is_killed_keeps_all_but_the_last_second() {
    let mut file = Cursor::new(Vec::new());
    let mut writer = Writer::new(&mut file, 8_000).unwrap();
    for second in 1..=5 {
        for _ in 0..50 {
            writer.write(&[second; 160]).unwrap();
        }
    }
    writer.write(&[6; 4_000]).unwrap();
    drop(writer);
    let file = file.into_inner();
    let told = u32::from_le_bytes([file[40], file[41], file[42], file[43]]);
    assert_eq!(told, 5 * 8_000 * 2);
    assert_eq!(file[4..8], (told + 36).to_le_bytes());
    assert_eq!(read(&file).unwrap().len(), 5 * 8_000);
}

#[test]
fn a_recording_of_nothing_is_a_valid_empty_file() {
    let mut file = Cursor::new(Vec::new());
    let writer = Writer::new(&mut file, 8_000).unwrap();
    assert!(writer.is_empty());
    drop(writer);
    assert_eq!(read(file.get_ref()).unwrap(), []);
}

/// Counts bytes and keeps none.
struct Sink(u64);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Sink {
    fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_file_does_not_outgrow_its_sizes() {
    let mut writer = Writer::new(Sink(0), 192_000).unwrap();
    let piece = vec![0; 1 << 24];
    for _ in 0..127 {
        writer.write(&piece).unwrap();
    }
    assert!(matches!(writer.write(&piece), Err(Error::TooLong)));
    writer.write(&piece[..1_000]).unwrap();
}

#[test]
fn a_full_disk_is_reported() {
    let mut space = [0; 100];
    let mut writer = Writer::new(Cursor::new(&mut space[..]), 8_000).unwrap();
    assert!(matches!(writer.write(&[0; 160]), Err(Error::Io(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_damage_to_a_file_makes_the_reader_panic_or_swell(
        damage in prop::collection::vec((0usize..90, any::<u8>()), 1..6),
        channels in 1u16..3,
        bits in prop::sample::select(vec![8u16, 16, 24, 32]),
    ) {
        let mut file = file(1, channels, 16_000, bits, &[0x5A; 46]);
        for (at, byte) in damage {
            file[at] = byte;
        }
        if let Ok(samples) = read(&file) {
            // At the lowest rate and the narrowest samples, twice as many samples as bytes.
            prop_assert!(samples.len() <= 2 * file.len());
        }
    }

    #[test]
    fn every_recording_is_read_back(samples in prop::collection::vec(any::<i16>(), 1..3_000)) {
        let mut file = Cursor::new(Vec::new());
        let mut writer = Writer::new(&mut file, 8_000).unwrap();
        writer.write(&samples).unwrap();
        writer.flush().unwrap();
        prop_assert_eq!(read(file.get_ref()).unwrap(), samples);
    }
}
