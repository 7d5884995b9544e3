"""The timer, on a clock of its own: every figure is known beforehand."""

from __future__ import annotations

import math

import pytest

from benchmarks.timing import (
    BUDGET_VARIABLE,
    MINIMUM_SAMPLES,
    PATIENCE,
    SAMPLE_SECONDS,
    WARM_CALLS,
    Gauges,
    budget_seconds,
    measure,
    page_faults,
    run_queue_seconds,
)


class Machine:
    """A machine whose time passes only in the calls, and whose scheduler and memory do as they are told."""

    def __init__(self, call_seconds, waits=lambda call: 0.0, faulting_calls=0, reading_seconds=0.0):
        self.call_seconds, self.waits, self.faulting_calls = call_seconds, waits, faulting_calls
        self.reading_seconds = reading_seconds
        self.now = self.waited = 0.0
        self.calls = self.faults = self.synchronized = 0

    def __call__(self):
        self.calls += 1
        self.faults += self.calls <= self.faulting_calls
        wait = self.waits(self.calls)
        self.waited += wait
        self.now += self.call_seconds + wait

    def seconds(self):
        self.now += self.reading_seconds
        return self.now

    def measure(self, budget=0.05):
        gauges = Gauges(self.seconds, lambda: self.waited, lambda: self.faults)
        return measure(self, self.synchronize, budget, gauges)

    def synchronize(self):
        self.synchronized += 1


@pytest.mark.parametrize("call_seconds", [2e-7, 5e-6, 3e-4, 1e-3, 0.02, 7.0])
def test_samples_are_seconds_a_call_and_last_long_enough(call_seconds):
    timing = Machine(call_seconds).measure()
    assert timing.samples == pytest.approx([call_seconds] * len(timing.samples), rel=1e-6)
    assert timing.number * call_seconds >= SAMPLE_SECONDS * (1 - 1e-9)
    assert timing.number * call_seconds <= max(2 * SAMPLE_SECONDS, call_seconds)
    assert len(timing.samples) >= MINIMUM_SAMPLES


def test_number_does_not_come_from_the_cost_of_reading_the_clock():
    timing = Machine(1e-7, reading_seconds=1e-6).measure()
    assert timing.number * 1e-7 >= 0.99 * SAMPLE_SECONDS - 1e-6
    assert timing.seconds == pytest.approx(1e-7, rel=0.01)


def test_sampling_ends_with_the_budget():
    machine = Machine(1e-3)
    assert len(machine.measure(budget=0.05).samples) == pytest.approx(50, abs=2)


def test_disturbed_samples_are_dropped_and_counted():
    # A single core's worth of waiting, every seventh call, on calls so long that each is a sample.
    timing = Machine(2e-3, waits=lambda call: 1e-3 * (call % 7 == 0)).measure()
    assert timing.disturbed > 0
    assert timing.samples == pytest.approx([2e-3] * len(timing.samples))


def test_a_wait_below_one_percent_is_no_disturbance():
    timing = Machine(2e-3, waits=lambda call: 1.9e-5).measure()
    assert timing.disturbed == 0


def test_where_all_samples_are_disturbed_the_least_disturbed_are_kept():
    machine = Machine(2e-3, waits=lambda call: 1e-3 + 1e-4 * (call % 10))
    timing = machine.measure(budget=0.05)
    assert len(timing.samples) == MINIMUM_SAMPLES
    assert timing.disturbed > MINIMUM_SAMPLES
    assert max(timing.samples) <= 2e-3 + 1e-3 + 2.1e-4
    # It looked for clean ones for as long as it was told to, and no longer.
    assert machine.now <= (1 + PATIENCE) * 0.05 + 10 * 4e-3


def test_calls_are_not_measured_until_page_faults_stop():
    machine = Machine(2e-3, faulting_calls=8)
    timing = machine.measure()
    assert machine.calls - len(timing.samples) == 9


def test_warm_up_ends_with_the_budget_though_pages_fault_for_ever():
    machine = Machine(0.01, faulting_calls=math.inf)
    timing = machine.measure(budget=0.05)
    assert machine.calls - len(timing.samples) == 5


def test_a_warm_function_is_called_a_few_times_first():
    machine = Machine(2e-3)
    assert machine.calls == 0
    assert machine.measure().number == 1
    assert machine.calls >= WARM_CALLS + MINIMUM_SAMPLES


def test_the_device_is_synchronized_within_every_sample():
    now = [0.0]

    def advance(seconds):
        now[0] += seconds

    timing = measure(
        lambda: advance(2e-3),
        lambda: advance(0.25),
        0.05,
        Gauges(lambda: now[0], lambda: 0.0, lambda: 0),
    )
    assert timing.seconds == pytest.approx(0.252)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_a_budget_that_is_no_time_is_refused_by_name(monkeypatch, text):
    monkeypatch.setenv(BUDGET_VARIABLE, text)
    with pytest.raises(ValueError, match=f"{BUDGET_VARIABLE}='{text}'"):
        budget_seconds()


def test_this_machine_can_be_read():
    assert run_queue_seconds() >= 0
    before = page_faults()
    bytearray(1 << 24)
    assert page_faults() >= before
