// SPDX-License-Identifier: Apache-2.0
//! Streaming inference: samples arrive one at a time, each takes one step, and the states stay where they are.
//!
//!     cargo run --release --example streaming
#![forbid(unsafe_code)]

use flashrnn::{Cell, Device, Forward, Mode, Problem, Step};
use std::time::Instant;

const HEADS: usize = 4;
const DIM: usize = 32;
const STEPS: usize = 1000;

fn main() -> flashrnn::Result<()> {
    let device = Device::cpu()?;
    // A plan for inference saves nothing; a step does not care for its time.
    let plan = Problem::new(Cell::SLSTM).time(STEPS).heads(HEADS, DIM).mode(Mode::Inference).plan(&device)?;
    let shapes = plan.shapes();
    println!("{:?}: states {:?}", device, plan.cell().states);

    // Weights would come from a file, and `sample` from a sensor times the input weights.
    let r: Vec<f32> = (0..shapes.r.iter().product()).map(|i: usize| (i as f32 * 0.7).sin() * 0.2).collect();
    let bias = vec![0.1f32; shapes.bias.iter().product()];
    let width: usize = shapes.step_wx.iter().product();
    let sample = |t: usize| (0..width).map(|i| ((t * 31 + i) as f32 * 0.3).sin()).collect::<Vec<f32>>();

    let mut workspace = plan.workspace()?;
    let mut states = vec![0f32; shapes.last_states.iter().product()];
    let mut h = vec![0f32; shapes.step_h.iter().product()];
    let mut streamed = Vec::new();
    let mut slowest = 0.0f64;
    for t in 0..STEPS {
        let wx = sample(t);
        let start = Instant::now();
        let mut step = Step::new(&wx, &r).bias(&bias).states_in_place(&mut states).h(&mut h);
        if t > 0 {
            step = step.weights_unchanged(); // they were packed in the first step
        }
        plan.step(step, &mut workspace)?;
        slowest = slowest.max(start.elapsed().as_secs_f64());
        streamed.extend_from_slice(&h);
    }
    println!("{STEPS} steps, the slowest took {:.0} µs", slowest * 1e6);

    // The same samples in one call.
    let wx: Vec<f32> = (0..STEPS).flat_map(sample).collect();
    let mut whole = vec![0f32; shapes.h.iter().product()];
    plan.forward(Forward::new(&wx, &r).bias(&bias).h(&mut whole), &mut workspace)?;
    let worst = streamed.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference from the whole sequence in one call: {worst:e}");
    assert!(worst < 1e-4);
    Ok(())
}
