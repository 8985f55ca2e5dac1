# SPDX-License-Identifier: Apache-2.0
"""Handles and memory: nothing leaks, nothing is freed twice, nothing is freed under a running call."""
import gc
import threading

import numpy as np
import pytest

import pyflashrnn
from pyflashrnn import Device, Plan, Problem
from pyflashrnn._memory import Buffer


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def grows(work, rounds):
    """Bytes by which the process grows over the rounds, once the allocators have warmed up."""
    for _ in range(max(rounds // 4, 10)):
        work()
    gc.collect()
    before = resident_bytes()
    for _ in range(rounds):
        work()
    gc.collect()
    return resident_bytes() - before


def arrays(batch=4, time=8, heads=2, head_dim=16):
    return (np.ones((batch, time, 4, heads, head_dim), np.float32),
            np.ones((4, heads, head_dim, head_dim), np.float32) / 64)


def test_plans_in_a_loop_do_not_leak():
    def work():
        Plan(Problem("lstm", 4, 8, 2, 16, threads=1))

    assert grows(work, 400) < 2 << 20


def test_devices_in_a_loop_do_not_leak():
    assert grows(lambda: Device("cpu").close(), 2000) < 1 << 20


def test_runs_in_a_loop_do_not_leak():
    wx, r = arrays()

    def work():
        pyflashrnn.forward(wx, r, threads=1).backward(d_h=np.ones((4, 8, 2, 16), np.float32))

    assert grows(work, 1000) < 2 << 20


def test_the_measure_sees_a_leak():
    kept = []
    wx, r = arrays()
    assert grows(lambda: kept.append(pyflashrnn.forward(wx, r, threads=1)), 1000) > 4 << 20


def test_errors_in_the_middle_do_not_leak():
    wx, r = arrays()
    bad = np.zeros((4, 8, 2, 15), np.float32)

    def work():
        with pytest.raises(ValueError):
            pyflashrnn.forward(wx, r, h=bad, threads=1)
        with pytest.raises(ValueError):
            Plan(Problem("lstm", 0, 8, 2, 16))
        forward = pyflashrnn.forward(wx, r, threads=1)
        with pytest.raises(ValueError):
            forward.backward(d_h=bad)

    assert grows(work, 500) < 2 << 20


def test_dlpack_capsules_are_freed():
    class Counted:
        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    wx, r = arrays(batch=64)
    work = lambda: pyflashrnn.forward(Counted(wx.copy()), Counted(r), threads=1, mode="inference")  # noqa: E731
    assert grows(work, 500) < 4 << 20


def test_closing_twice_and_in_any_order():
    device = Device("cpu")
    plan = Plan(Problem("lstm", 4, 8, 2, 16), device)
    device.close()
    device.close()
    plan.describe()
    plan.close()
    plan.close()
    del plan, device
    gc.collect()


def test_a_plan_that_was_never_made_is_collected():
    for _ in range(100):
        with pytest.raises(ValueError):
            Plan(Problem("lstm", -1, 1, 1, 1))
    gc.collect()


def test_buffers_are_freed_once():
    device = Device("cpu")
    buffer = Buffer(device, 1 << 16)
    assert buffer.address % 256 == 0
    buffer.__del__()
    buffer.__del__()
    assert grows(lambda: Buffer(device, 1 << 20), 200) < 4 << 20


def test_saved_memory_outlives_the_plan_cache():
    wx, r = arrays()
    forward = pyflashrnn.forward(wx, r)
    expected = forward.backward(d_h=np.ones_like(forward.h)).d_r
    pyflashrnn.clear_plan_cache()
    gc.collect()
    np.testing.assert_array_equal(forward.backward(d_h=np.ones_like(forward.h)).d_r, expected)


def test_threads_share_plans_and_get_their_own_answers():
    failures = []

    def work(seed):
        random = np.random.default_rng(seed)
        try:
            for k in range(30):
                batch = 1 + (seed + k) % 3
                wx = random.standard_normal((batch, 8, 4, 2, 16)).astype(np.float32)
                r = random.standard_normal((4, 2, 16, 16)).astype(np.float32) / 8
                one = pyflashrnn.forward(wx, r, threads=1)
                other = pyflashrnn.forward(wx, r, threads=1)
                np.testing.assert_array_equal(one.h, other.h)
                d_h = np.ones_like(one.h)
                np.testing.assert_array_equal(one.backward(d_h=d_h).d_r, other.backward(d_h=d_h).d_r)
                with pytest.raises(ValueError, match=f"batch is -{seed}:"):
                    Plan(Problem("lstm", -seed, 1, 1, 1))  # each thread has its own message
        except BaseException as error:  # noqa: BLE001  shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_closing_a_plan_under_threads_that_run_it():
    """Either a run is refused or it is whole; nothing crashes."""
    wx, r = arrays()
    for _ in range(20):
        plan = Plan(Problem("lstm", 4, 8, 2, 16, threads=1))
        expected = pyflashrnn.run(plan, wx, r).h

        def work():
            for _ in range(50):
                try:
                    np.testing.assert_array_equal(pyflashrnn.run(plan, wx, r).h, expected)
                except pyflashrnn.InvalidHandleError:
                    return

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        plan.close()
        for thread in threads:
            thread.join()
