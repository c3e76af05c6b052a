//! ITU-T G.722 at 64 kbit/s (mode 1): 7 kHz of audio at the price of G.711.
//!
//! A pair of quadrature mirror filters divides 16 kHz into two bands of 8 kHz each; either is coded
//! by an adaptive quantizer of what a predictor of two poles and six zeros does not foresee: the
//! lower band with six bits, the upper one with two. Names of tables and steps are the
//! recommendation's. RFC 3551 section 4.5.2 gives it an RTP clock of 8 kHz, half its sampling rate:
//! a byte is one unit of time and two samples.

use super::{Codec, Coding, Decode, Decoder, Encode, Encoder, Parameters};
use crate::{emodel::Impairment, frame::Rate};

/// Static payload type 9.
pub static G722: Codec = Codec {
    name: "G722",
    payload_type: Some(9),
    clock_rate: 8_000,
    rate: Rate::Wide,
    channels: 1,
    silence: None,
    longest_frame: 160,
    impairment: Impairment::wideband(13.0, 15.0),
    parameters: None,
    append: None,
    coding: &SubBands,
};

#[derive(Debug)]
struct SubBands;

impl Coding for SubBands {
    fn samples(&self, payload: &[u8]) -> usize {
        2 * payload.len()
    }

    fn encoder(&'static self, _: Parameters) -> Encoder {
        Encoder::Stateful(Box::new(G722Encoder::new()))
    }

    fn decoder(&'static self) -> Decoder {
        Decoder::Stateful(Box::new(G722Decoder::new()))
    }
}

/// Coefficients of one phase of the quadrature mirror filters; the other has them in reverse.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
/// Pairs of samples that the filters remember.
const MEMORY: usize = QMF.len() - 1;
/// Pairs that are filtered at a time: 20 ms.
const PIECE: usize = 160;

/// Decision levels of the lower band's quantizer.
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940,
    1_023, 1_121, 1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];
/// Output of the lower band's inverse quantizers with six and with four bits, of the upper band's
/// with two.
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192,
    -10_232, -9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008,
    -3_576, -3_168, -2_776, -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008,
    16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000,
    5_456, 4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432,
    136, -432, -136,
];
const QM4: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288,
    4_240, 2_584, 1_200, 0,
];
const QM2: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
/// How the logarithmic scale factor follows the codes: by the four bits of the lower band, by the
/// two of the upper.
const WL: [i32; 16] = [
    -60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60,
];
const WH: [i32; 4] = [798, -214, 798, -214];
/// The antilogarithm, 2^(n/32) in steps of 1/2048.
const ILB: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656,
    2_714, 2_774, 2_834, 2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520,
    3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];
/// The upper band's decision level.
const Q2: i32 = 564;

/// The predictor and the scale factor of one band.
#[derive(Clone, Copy, Debug)]
struct Band {
    /// What is predicted, and its part by the zeros.
    s: i32,
    sz: i32,
    /// The last two reconstructed signals and partially reconstructed signals.
    r: [i32; 2],
    p: [i32; 2],
    /// Coefficients of the poles.
    a: [i32; 2],
    /// Coefficients of the zeros, and the last six quantized differences.
    b: [i32; 6],
    d: [i32; 6],
    /// The scale factor as a logarithm and as it is.
    nb: i32,
    det: i32,
}

impl Band {
    const fn new(det: i32) -> Self {
        Self {
            s: 0,
            sz: 0,
            r: [0; 2],
            p: [0; 2],
            a: [0; 2],
            b: [0; 6],
            d: [0; 6],
            nb: 0,
            det,
        }
    }

    const fn low() -> Self {
        Self::new(32)
    }

    const fn high() -> Self {
        Self::new(8)
    }

    /// Adapts to the quantized difference `d` (the blocks RECONS to PREDIC).
    #[inline]
    fn adapt(&mut self, d: i32) {
        let r = saturate(self.s + d);
        let p = saturate(self.sz + d);
        let same = |x: i32, y: i32| (x ^ y) >= 0;
        // UPPOL2 and UPPOL1.
        let scaled = saturate(self.a[0] << 2);
        let first = match same(p, self.p[0]) {
            true => (-scaled).min(32_767),
            false => scaled,
        };
        let second = if same(p, self.p[1]) { 128 } else { -128 };
        let a2 = (second + (first >> 7) + ((self.a[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let step = if same(p, self.p[0]) { 192 } else { -192 };
        let limit = 15_360 - a2;
        let a1 = (step + ((self.a[0] * 32_640) >> 15)).clamp(-limit, limit);
        // UPZERO.
        let step = if d == 0 { 0 } else { 128 };
        for (b, past) in self.b.iter_mut().zip(&self.d) {
            let step = if same(d, *past) { step } else { -step };
            *b = saturate(step + ((*b * 32_640) >> 15));
        }
        // DELAYA.
        self.d.copy_within(0..5, 1);
        self.d[0] = d;
        self.r = [r, self.r[0]];
        self.p = [p, self.p[0]];
        self.a = [a1, a2];
        // FILTEP, FILTEZ, PREDIC.
        let [near, far] = self.r.map(|r| saturate(2 * r));
        let sp = saturate(((a1 * near) >> 15) + ((a2 * far) >> 15));
        let zeros = self.b.iter().zip(&self.d);
        let sz: i32 = zeros.map(|(b, d)| (b * saturate(2 * d)) >> 15).sum();
        self.sz = saturate(sz);
        self.s = saturate(sp + self.sz);
    }

    /// LOGSCL or LOGSCH, SCALEL or SCALEH.
    #[inline]
    fn scale(&mut self, step: i32, limit: i32, shift: i32) {
        self.nb = (((self.nb * 127) >> 7) + step).clamp(0, limit);
        let mantissa = ILB[(self.nb >> 6 & 31) as usize];
        let shift = shift - (self.nb >> 11);
        self.det = match shift {
            ..0 => mantissa << -shift,
            _ => mantissa >> shift,
        } << 2;
    }

    #[inline]
    fn follow_low(&mut self, code: usize) {
        let dlt = (self.det * QM4[code >> 2]) >> 15;
        self.scale(WL[code >> 2], 18_432, 8);
        self.adapt(dlt);
    }

    #[inline]
    fn follow_high(&mut self, code: usize) -> i32 {
        let dh = (self.det * QM2[code]) >> 15;
        self.scale(WH[code], 22_528, 10);
        self.adapt(dh);
        dh
    }

    #[inline]
    fn encode_low(&mut self, xl: i32) -> usize {
        let el = saturate(xl - self.s);
        let magnitude = if el < 0 { !el } else { el };
        let beyond = |level: &&i32| magnitude >= (**level * self.det) >> 12;
        // Each level up to the magnitude counts; the levels rise.
        let level = Q6[1..].iter().filter(beyond).count();
        let code = match (el < 0, level) {
            (false, level) => 61 - level,
            (true, level @ 0..2) => 63 - level,
            (true, level) => 33 - level,
        };
        self.follow_low(code);
        code
    }

    #[inline]
    fn encode_high(&mut self, xh: i32) -> usize {
        let eh = saturate(xh - self.s);
        let magnitude = if eh < 0 { !eh } else { eh };
        let far = magnitude >= (Q2 * self.det) >> 12;
        let code = match (eh < 0, far) {
            (false, false) => 3,
            (false, true) => 2,
            (true, false) => 1,
            (true, true) => 0,
        };
        self.follow_high(code);
        code
    }
}

/// Codes 16 kHz, two samples a byte.
#[derive(Clone, Debug)]
pub struct G722Encoder {
    low: Band,
    high: Band,
    /// The last samples, of each pair the first and the second.
    first: [i16; MEMORY],
    second: [i16; MEMORY],
}

impl G722Encoder {
    /// An encoder that has heard nothing.
    pub const fn new() -> Self {
        Self {
            low: Band::low(),
            high: Band::high(),
            first: [0; MEMORY],
            second: [0; MEMORY],
        }
    }

    fn encode_piece(&mut self, samples: &[[i16; 2]], payload: &mut [u8]) {
        let count = samples.len();
        let (mut first, mut second) = ([0; MEMORY + PIECE], [0; MEMORY + PIECE]);
        first[..MEMORY].copy_from_slice(&self.first);
        second[..MEMORY].copy_from_slice(&self.second);
        for (index, [one, two]) in samples.iter().enumerate() {
            first[MEMORY + index] = *one;
            second[MEMORY + index] = *two;
        }
        self.first.copy_from_slice(&first[count..count + MEMORY]);
        self.second.copy_from_slice(&second[count..count + MEMORY]);
        let windows = first.windows(QMF.len()).zip(second.windows(QMF.len()));
        for (code, (first, second)) in payload.iter_mut().zip(windows).take(count) {
            let odd: i32 = first.iter().zip(QMF).map(|(x, h)| i32::from(*x) * h).sum();
            let even = second.iter().zip(QMF.iter().rev());
            let even: i32 = even.map(|(x, h)| i32::from(*x) * h).sum();
            let low = self.low.encode_low((even + odd) >> 14);
            let high = self.high.encode_high((even - odd) >> 14);
            *code = (high << 6 | low) as u8;
        }
    }
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encode for G722Encoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        let (pairs, _) = samples.as_chunks();
        for (pairs, payload) in pairs.chunks(PIECE).zip(payload.chunks_mut(PIECE)) {
            self.encode_piece(&pairs[..pairs.len().min(payload.len())], payload);
        }
        pairs.len().min(payload.len())
    }

    fn continue_from(&mut self, other: &dyn Encode) {
        if let Some(other) = (other as &dyn std::any::Any).downcast_ref::<Self>() {
            self.clone_from(other);
        }
    }
}

/// Decodes to 16 kHz, two samples a byte.
#[derive(Clone, Debug)]
pub struct G722Decoder {
    low: Band,
    high: Band,
    /// Sums and differences of the bands.
    sums: [i16; MEMORY],
    differences: [i16; MEMORY],
}

impl G722Decoder {
    /// A decoder that has heard nothing.
    pub const fn new() -> Self {
        Self {
            low: Band::low(),
            high: Band::high(),
            sums: [0; MEMORY],
            differences: [0; MEMORY],
        }
    }

    fn decode_piece(&mut self, payload: &[u8], samples: &mut [[i16; 2]]) {
        let count = payload.len();
        let (mut sums, mut differences) = ([0; MEMORY + PIECE], [0; MEMORY + PIECE]);
        sums[..MEMORY].copy_from_slice(&self.sums);
        differences[..MEMORY].copy_from_slice(&self.differences);
        for (index, code) in payload.iter().enumerate() {
            let (low, high) = (usize::from(code & 63), usize::from(code >> 6));
            let rl = self.low.s + ((self.low.det * QM6[low]) >> 15);
            let rl = rl.clamp(-16_384, 16_383);
            self.low.follow_low(low);
            let predicted = self.high.s;
            let rh = self.high.follow_high(high) + predicted;
            let rh = rh.clamp(-16_384, 16_383);
            // Neither leaves 16 bits.
            sums[MEMORY + index] = (rl + rh) as i16;
            differences[MEMORY + index] = (rl - rh) as i16;
        }
        self.sums.copy_from_slice(&sums[count..count + MEMORY]);
        self.differences
            .copy_from_slice(&differences[count..count + MEMORY]);
        let windows = sums.windows(QMF.len());
        let windows = windows.zip(differences.windows(QMF.len()));
        for (pair, (sums, differences)) in samples.iter_mut().zip(windows).take(count) {
            let one = differences.iter().zip(QMF.iter().rev());
            let one: i32 = one.map(|(x, h)| i32::from(*x) * h).sum();
            let two = sums.iter().zip(QMF);
            let two: i32 = two.map(|(x, h)| i32::from(*x) * h).sum();
            *pair = [one, two].map(|sum| saturate(sum >> 11) as i16);
        }
    }
}

impl Default for G722Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for G722Decoder {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        let (pairs, _) = samples.as_chunks_mut();
        let count = payload.len().min(pairs.len());
        let payload = payload[..count].chunks(PIECE);
        for (payload, pairs) in payload.zip(pairs.chunks_mut(PIECE)) {
            self.decode_piece(payload, pairs);
        }
        2 * count
    }
}

#[inline(always)]
fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}
