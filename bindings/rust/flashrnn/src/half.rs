// SPDX-License-Identifier: Apache-2.0
//! The two 16-bit types as their bits. `half::bf16` and `half::f16` have the same layout: `Bf16(x.to_bits())`.
use std::fmt;

/// bfloat16 by its 16 bits: the upper half of an `f32`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Bf16(pub u16);

/// IEEE 754 binary16 by its 16 bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct F16(pub u16);

impl From<f32> for Bf16 {
    fn from(value: f32) -> Bf16 {
        let bits = value.to_bits();
        if value.is_nan() {
            return Bf16((bits >> 16) as u16 | 0x40); // quiet, and never an infinity
        }
        // Half of the last place, and one more where that place is odd: ties go to even. Overflow carries into infinity.
        let rounded = bits + 0x7fff + ((bits >> 16) & 1);
        Bf16((rounded >> 16) as u16)
    }
}

impl From<Bf16> for f32 {
    fn from(value: Bf16) -> f32 {
        f32::from_bits(u32::from(value.0) << 16)
    }
}

/// Drops the lowest `shift` bits, rounding to nearest and ties to even.
fn round_off(bits: u32, shift: u32) -> u32 {
    let half = 1 << (shift - 1);
    (bits + half - 1 + ((bits >> shift) & 1)) >> shift
}

impl From<f32> for F16 {
    fn from(value: f32) -> F16 {
        let bits = value.to_bits();
        let sign = (bits >> 16) as u16 & 0x8000;
        let magnitude = bits & 0x7fff_ffff;
        if value.is_nan() {
            return F16(sign | 0x7e00 | ((magnitude >> 13) as u16 & 0x3ff));
        }
        let exponent = (magnitude >> 23) as i32 - 127;
        if exponent > 15 {
            return F16(sign | 0x7c00);
        }
        if exponent >= -14 {
            // A carry out of the mantissa raises the exponent, up to infinity, as it should.
            return F16(sign | round_off(magnitude - (112 << 23), 13) as u16);
        }
        if exponent < -25 {
            return F16(sign);
        }
        // Subnormal: the mantissa with its leading one, in units of 2^-24.
        let mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
        F16(sign | round_off(mantissa, (-exponent - 1) as u32) as u16)
    }
}

impl From<F16> for f32 {
    fn from(value: F16) -> f32 {
        let sign = u32::from(value.0 & 0x8000) << 16;
        let exponent = u32::from(value.0 >> 10) & 0x1f;
        let mantissa = u32::from(value.0) & 0x3ff;
        match exponent {
            0 => {
                let magnitude = mantissa as f32 * 2f32.powi(-24);
                f32::from_bits(sign | magnitude.to_bits())
            }
            31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
            _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
        }
    }
}

impl fmt::Debug for Bf16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&f32::from(*self), f)
    }
}

impl fmt::Debug for F16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&f32::from(*self), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_f16_survives_the_way_to_f32_and_back() {
        for bits in 0..=u16::MAX {
            let value = f32::from(F16(bits));
            let back = F16::from(value);
            if value.is_nan() {
                assert!(f32::from(back).is_nan());
            } else {
                assert_eq!(back.0, bits, "{value}");
            }
        }
    }

    #[test]
    fn every_pattern_of_bf16_survives_the_way_to_f32_and_back() {
        for bits in 0..=u16::MAX {
            let value = f32::from(Bf16(bits));
            if value.is_nan() {
                assert!(f32::from(Bf16::from(value)).is_nan());
            } else {
                assert_eq!(Bf16::from(value).0, bits, "{value}");
            }
        }
    }

    /// Between two neighbours: just below, at and just above the middle go down, to even, up.
    #[test]
    fn f16_rounds_to_the_nearest_and_ties_to_even() {
        for bits in 0..0x7bffu16 {
            let (low, high) = (f32::from(F16(bits)), f32::from(F16(bits + 1)));
            let middle = (low + high) / 2.0; // exact: it has one bit more
            assert_eq!(F16::from(middle).0, if bits % 2 == 0 { bits } else { bits + 1 });
            assert_eq!(F16::from(f32::from_bits(middle.to_bits() - 1)).0, bits);
            assert_eq!(F16::from(f32::from_bits(middle.to_bits() + 1)).0, bits + 1);
            assert_eq!(F16::from(-middle).0 & 0x7fff, F16::from(middle).0);
        }
        assert_eq!(F16::from(65519.0).0, 0x7bff);
        assert_eq!(F16::from(65520.0).0, 0x7c00);
        assert_eq!(F16::from(f32::MIN_POSITIVE).0, 0);
    }

    #[test]
    fn bf16_rounds_to_the_nearest_and_ties_to_even() {
        assert_eq!(Bf16::from(1.0 + 1.0 / 256.0).0, 0x3f80);
        assert_eq!(Bf16::from(1.0 + 3.0 / 256.0).0, 0x3f82);
        assert_eq!(Bf16::from(1.001 + 1.0 / 256.0).0, 0x3f81);
        assert_eq!(Bf16::from(f32::MAX).0, 0x7f80);
        assert!(f32::from(Bf16::from(f32::from_bits(0x7f80_0001))).is_nan());
    }
}
