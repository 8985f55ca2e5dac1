// SPDX-License-Identifier: Apache-2.0
//! An LSTM learns the parity of the bits so far: an input table, the recurrent layer, a readout, and Adam.
//!
//!     cargo run --release --example train
#![forbid(unsafe_code)]

use flashrnn::{Backward, Cell, Device, Forward, Plan, Problem};

const BATCH: usize = 64;
const TIME: usize = 16;
const HEADS: usize = 2;
const DIM: usize = 16;
const UNITS: usize = HEADS * DIM;
const UPDATES: usize = 400;

/// Numbers in [0, 1).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// A parameter, its gradient and Adam's moments.
struct Parameter {
    value: Vec<f32>,
    gradient: Vec<f32>,
    moments: Vec<(f32, f32)>,
}

impl Parameter {
    fn new(len: usize, scale: f32, random: &mut Random) -> Self {
        let value = (0..len).map(|_| (2.0 * random.next() - 1.0) * scale).collect();
        Parameter { value, gradient: vec![0.0; len], moments: vec![(0.0, 0.0); len] }
    }

    fn adam(&mut self, update: usize) {
        let (first, second) = (1.0 - 0.9f32.powi(update as i32), 1.0 - 0.99f32.powi(update as i32));
        for ((value, gradient), (m, v)) in
            self.value.iter_mut().zip(&mut self.gradient).zip(&mut self.moments)
        {
            *m = 0.9 * *m + 0.1 * *gradient;
            *v = 0.99 * *v + 0.01 * *gradient * *gradient;
            *value -= 0.01 * (*m / first) / ((*v / second).sqrt() + 1e-8);
            *gradient = 0.0;
        }
    }
}

fn main() -> flashrnn::Result<()> {
    let plan: Plan =
        Problem::new(Cell::LSTM).batch(BATCH).time(TIME).heads(HEADS, DIM).plan(&Device::cpu()?)?;
    let shapes = plan.shapes();
    let gates = shapes.wx[2];
    let (mut workspace, mut saved) = (plan.workspace()?, plan.saved()?);

    let mut random = Random(1);
    let mut table = Parameter::new(2 * gates * UNITS, 1.0, &mut random); // a row of projections for either bit
    let mut r = Parameter::new(shapes.r.iter().product(), 0.25, &mut random);
    let mut bias = Parameter::new(shapes.bias.iter().product(), 0.0, &mut random);
    let mut readout = Parameter::new(UNITS + 1, 0.2, &mut random);

    let mut wx = vec![0f32; shapes.wx.iter().product()];
    let mut h = vec![0f32; shapes.h.iter().product()];
    let (mut d_wx, mut d_h) = (wx.clone(), h.clone());
    let mut accuracy = 0.0;
    for update in 1..=UPDATES {
        let bits: Vec<usize> = (0..BATCH * TIME).map(|_| usize::from(random.next() < 0.5)).collect();
        let row = gates * UNITS;
        for (projection, &bit) in wx.chunks_exact_mut(row).zip(&bits) {
            projection.copy_from_slice(&table.value[bit * row..][..row]);
        }
        let run = Forward::new(&wx, &r.value).bias(&bias.value).h(&mut h).saved(&mut saved);
        plan.forward(run, &mut workspace)?;

        // Cross-entropy of every step, and its gradient.
        let (mut loss, mut right) = (0.0, 0);
        for sequence in 0..BATCH {
            let mut parity = 0;
            for step in sequence * TIME..(sequence + 1) * TIME {
                parity ^= bits[step];
                let units = &h[step * UNITS..][..UNITS];
                let (weights, offset) = readout.value.split_at(UNITS);
                let logit = units.iter().zip(weights).map(|(h, w)| h * w).sum::<f32>() + offset[0];
                let sign = if parity == 1 { 1.0 } else { -1.0 };
                loss += (-sign * logit).exp().ln_1p();
                right += usize::from(logit * sign > 0.0);
                let d_logit = -sign / (1.0 + (sign * logit).exp()) / (BATCH * TIME) as f32;
                for unit in 0..UNITS {
                    d_h[step * UNITS + unit] = d_logit * weights[unit];
                    readout.gradient[unit] += d_logit * units[unit];
                }
                readout.gradient[UNITS] += d_logit;
            }
        }

        let run = Backward::new(&r.value, &h)
            .d_h(&d_h)
            .saved(&saved)
            .d_wx(&mut d_wx)
            .d_r(&mut r.gradient)
            .d_bias(&mut bias.gradient);
        plan.backward(run, &mut workspace)?;
        for (projection, &bit) in d_wx.chunks_exact(row).zip(&bits) {
            for (gradient, d) in table.gradient[bit * row..][..row].iter_mut().zip(projection) {
                *gradient += d;
            }
        }
        for parameter in [&mut table, &mut r, &mut bias, &mut readout] {
            parameter.adam(update);
        }

        accuracy = right as f32 / (BATCH * TIME) as f32;
        if update % 50 == 0 {
            println!("update {update:4}  loss {:.4}  accuracy {accuracy:.3}", loss / (BATCH * TIME) as f32);
        }
    }
    assert!(accuracy > 0.99, "the parity was not learnt: accuracy {accuracy}");
    Ok(())
}
