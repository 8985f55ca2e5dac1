// SPDX-License-Identifier: Apache-2.0
//! Handles: what may go to other threads, in what order they may be dropped, and that none is lost.
use flashrnn::{
    Backward, Buffer, Cell, Device, Event, Forward, Mode, Plan, PlanCache, Problem, Saved, Step, Stream,
    Workspace,
};
use std::sync::Arc;

fn problem() -> Problem {
    Problem::new(Cell::SLSTM).batch(2).time(5).heads(2, 8).threads(1)
}

#[test]
fn what_is_send_and_sync() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Device>();
    sync::<Device>();
    send::<Plan>();
    sync::<Plan>();
    send::<PlanCache>();
    sync::<PlanCache>();
    send::<Buffer<f32>>();
    sync::<Buffer<f32>>();
    send::<Workspace>();
    send::<Saved>();
    send::<Stream>();
    send::<Event>();

    // Not Sync: were it, both implementations would fit and the call would be ambiguous.
    trait NotSync<Marker> {
        fn check() {}
    }
    impl<T> NotSync<()> for T {}
    impl<T: Sync> NotSync<u8> for T {}
    <Stream as NotSync<_>>::check();
    <Event as NotSync<_>>::check();
}

fn run(plan: &Plan, seed: usize) -> (Vec<f32>, Vec<f32>) {
    let shapes = plan.shapes();
    let fill =
        |count: usize| (0..count).map(|i| ((i * 7 + seed) % 11) as f32 * 0.1 - 0.5).collect::<Vec<f32>>();
    let (wx, r) = (fill(shapes.wx.iter().product()), fill(shapes.r.iter().product()));
    let mut h = vec![0f32; shapes.h.iter().product()];
    let mut d_r = vec![0f32; r.len()];
    let (mut workspace, mut saved) = (plan.workspace().unwrap(), plan.saved().unwrap());
    plan.forward(Forward::new(&wx, &r).h(&mut h).saved(&mut saved), &mut workspace).unwrap();
    let run = Backward::new(&r, &h).d_h(&h).d_r(&mut d_r).saved(&saved);
    plan.backward(run, &mut workspace).unwrap();
    (h, d_r)
}

#[test]
fn threads_that_share_a_plan_get_what_one_thread_gets() {
    let plan = Arc::new(problem().plan(&Device::cpu().unwrap()).unwrap());
    let expected: Vec<_> = (0..4).map(|seed| run(&plan, seed)).collect();
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            let plan = plan.clone();
            std::thread::spawn(move || (0..20).map(|_| run(&plan, seed)).collect::<Vec<_>>())
        })
        .collect();
    for (seed, thread) in threads.into_iter().enumerate() {
        for result in thread.join().unwrap() {
            assert_eq!(result, expected[seed]);
        }
    }
}

#[test]
fn threads_that_share_a_cache_make_each_plan_once() {
    let cache = Arc::new(PlanCache::new(&Device::cpu().unwrap()));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let cache = cache.clone();
            std::thread::spawn(move || {
                (1..5).map(|t| cache.plan(&problem().time(t)).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    let plans: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for other in &plans[1..] {
        assert!(plans[0].iter().zip(other).all(|(a, b)| Arc::ptr_eq(a, b)));
    }
    assert_eq!(cache.len(), 4);
    assert!(cache.plan(&problem().batch(0)).is_err());
    assert_eq!(cache.len(), 4);
    cache.clear();
    assert!(cache.is_empty());
    run(&plans[0][0], 0); // lives on
}

#[test]
fn the_device_lives_as_long_as_what_was_made_from_it() {
    let device = Device::cpu().unwrap();
    let plan = problem().plan(&device).unwrap();
    let mut buffer = device.upload(&[1f32, 2.0]).unwrap();
    let (stream, event) = (Stream::new(&device).unwrap(), Event::new(&device).unwrap());
    drop(device);
    run(&plan, 1);
    buffer.upload(&[3.0, 4.0]).unwrap();
    assert_eq!(buffer.as_slice().unwrap(), [3.0, 4.0]);
    event.record(Some(&stream)).unwrap();
    stream.synchronize().unwrap();
    drop(plan);
    assert_eq!(buffer.download().unwrap(), [3.0, 4.0]);
}

#[test]
fn a_panic_in_the_middle_leaves_a_plan_that_runs() {
    let plan = problem().plan(&Device::cpu().unwrap()).unwrap();
    let expected = run(&plan, 3);
    let result = std::panic::catch_unwind(|| {
        let _held = (plan.workspace().unwrap(), plan.saved().unwrap(), Stream::new(plan.device()).unwrap());
        panic!("in the middle");
    });
    assert!(result.is_err());
    assert_eq!(run(&plan, 3), expected);
}

#[test]
fn streams_and_events_time_a_run() {
    let device = Device::cpu().unwrap();
    let plan = problem().mode(Mode::Inference).plan(&device).unwrap();
    let stream = Stream::new(&device).unwrap();
    let (first, last) = (Event::new(&device).unwrap(), Event::new(&device).unwrap());
    let (wx, r) =
        (vec![0f32; plan.shapes().step_wx.iter().product()], vec![0f32; plan.shapes().r.iter().product()]);
    let mut states = vec![0f32; plan.shapes().last_states.iter().product()];
    let mut workspace = plan.workspace().unwrap();
    first.record(Some(&stream)).unwrap();
    for step in 0..3 {
        let mut run = Step::new(&wx, &r).states_in_place(&mut states).stream(&stream);
        if step > 0 {
            run = run.weights_unchanged();
        }
        plan.step(run, &mut workspace).unwrap();
    }
    last.record(Some(&stream)).unwrap();
    last.synchronize().unwrap();
    assert!(last.milliseconds_since(&first).unwrap() >= 0.0);
    // SAFETY: null is what the CPU takes.
    assert!(unsafe { Stream::wrap(&device, std::ptr::null_mut()) }.is_ok());
    // SAFETY: refused before it is used.
    assert!(unsafe { Stream::wrap(&device, 16 as *mut std::ffi::c_void) }.is_err());
}

#[test]
fn every_cell_of_the_library_has_its_constant() {
    let named = [Cell::LSTM, Cell::GRU, Cell::ELMAN, Cell::SLSTM, Cell::ELMAN_RELU, Cell::LIGHT_GRU];
    assert_eq!(Cell::all().unwrap(), named);
    for cell in named {
        assert_eq!(cell.to_string().parse::<Cell>().unwrap(), cell);
        assert_eq!(cell.info().unwrap().states[0], "h");
        assert!(flashrnn::has_feature(&cell.to_string()));
    }
    assert!(!flashrnn::has_feature("no such\0thing"));
    assert_eq!(flashrnn::version().1, flashrnn::sys::FLASHRNN_VERSION_MINOR);
}

#[test]
fn descriptions_are_json_of_what_they_describe() {
    let device = Device::cpu().unwrap();
    assert!(Device::list().unwrap().iter().any(|info| info == device.info()));
    for text in [
        device.describe().unwrap(),
        Device::describe_backends().unwrap(),
        problem().plan(&device).unwrap().describe().unwrap(),
    ] {
        assert!((text.starts_with('{') || text.starts_with('[')) && text.contains("cpu"), "{text}");
    }
}

#[cfg(target_os = "linux")]
fn resident_pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// 300 rounds of 3 MB that were kept would be 900 MB.
#[cfg(target_os = "linux")]
#[test]
fn handles_in_a_loop_leave_nothing_behind() {
    let round = |fail: bool| {
        let device = Device::cpu().unwrap();
        let plan = problem().plan(&device).unwrap();
        let (_workspace, _saved) = (plan.workspace().unwrap(), plan.saved().unwrap());
        let (_stream, _event) = (Stream::new(&device).unwrap(), Event::new(&device).unwrap());
        let buffer = device.upload(&vec![1f32; 750_000]).unwrap();
        assert!(!fail || problem().batch(0).plan(&device).is_err());
        assert_eq!(buffer.len(), 750_000);
    };
    (0..50).for_each(|i| round(i % 2 == 0));
    let before = resident_pages();
    (0..300).for_each(|i| round(i % 2 == 0));
    let grown = resident_pages().saturating_sub(before) * 4096;
    assert!(grown < 100_000_000, "{grown} bytes more after 300 rounds");
}
