"""Records of evidence: every field's range, units, defaults, energy, and where records are found."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import junk
import pytest

from sctorch.cost import Observation, load_observations, observation_schema, observations_from_payload
from sctorch.cost.evidence import schema as schema_module
from sctorch.cost.evidence.fields import FIELDS, REQUIRED
from sctorch.errors import ConfigError, ObservationLoadError, SctorchError

RECORD: dict[str, Any] = {
    "mac_count": 256, "bitstream_length": 8, "decorrelator": "shift", "precision_bits": 4,
    "lfsr_polynomial": "x^5 + x^3 + 1", "luts_used": 421, "latency_cycles": 64, "accuracy_score": 0.977,
}  # fmt: skip


def one(**changes: Any) -> Observation:
    (found,) = observations_from_payload({**RECORD, **changes})
    return found


# ---------------------------------------------------------------- fields


def test_a_record_of_the_required_fields_is_an_observation() -> None:
    found = one()
    assert {name: getattr(found, name) for name in RECORD} == RECORD
    assert (found.mode, found.is_critical_path, found.power_mw, found.energy_nj, found.extra) == (
        "SC",
        False,
        None,
        None,
        {},
    )


def test_the_table_of_fields_is_that_of_the_observation() -> None:
    assert set(FIELDS) | {"extra"} == {field.name for field in fields(Observation)}
    assert set(REQUIRED) == set(RECORD)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_field_that_is_missing_is_named(name: str) -> None:
    record = {key: value for key, value in RECORD.items() if key != name}
    with pytest.raises(ObservationLoadError, match=rf"payload\[1\]: {name} missing.*required: {', '.join(REQUIRED)}"):
        observations_from_payload([RECORD, record])


def test_a_name_that_is_nearly_right_is_pointed_at() -> None:
    record = {("luts" if key == "luts_used" else key): value for key, value in RECORD.items()}
    with pytest.raises(ObservationLoadError, match=r"luts_used missing .'luts' is no field, 'luts_used' is.; required"):
        observations_from_payload(record)
    with pytest.raises(ObservationLoadError, match="'brams_use' is no field; did you mean 'brams_used'"):
        one(brams_use=2)


GOOD = {  # of the junk, what each kind of field takes
    "integer": {"zero"},
    "number": {"half", "whole float", "zero", "huge"},
    "text": {"text"},
    "flag": {"true"},
}
POSITIVE = {"bitstream_length", "precision_bits", "inferences_per_run", "fmax_mhz", "clock_mhz"}
# A text that is more than a text, a share, a slack, and an energy, which goes with a clock.
OWN = {
    "lfsr_polynomial": set(), "accuracy_score": {"zero"}, "wns_ns": {*GOOD["number"], "minus one"}, "energy_nj": set(),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_junk_is_refused_in_every_field(name: str) -> None:
    good = OWN.get(name, GOOD[FIELDS[name].kind]) - ({"zero"} if name in POSITIVE else set())
    for value, given in junk.JUNK.items():
        if value in good:
            found = getattr(one(**{name: given}), name)
            assert found == (float(given) if FIELDS[name].kind == "number" else given)
        else:
            with pytest.raises(ObservationLoadError, match=name):
                one(**{name: given})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("luts_used", 421.0, "luts_used = 421.0 must be an integer, without a fraction"),
        ("luts_used", True, "luts_used = True must be an integer"),
        ("luts_used", -1, "luts_used = -1 is outside 0 to 1000000000000000"),
        ("latency_cycles", 10**16, "is outside 0 to"),
        ("bitstream_length", 0, "is outside 1 to"),
        ("precision_bits", 65, "is outside 1 to 64"),
        ("accuracy_score", 1.0001, "accuracy_score = 1.0001 must be 0 to 1"),
        ("accuracy_score", -0.1, "must be 0 to 1"),
        ("accuracy_score", 97.7, "must be 0 to 1"),
        ("power_mw", -1.0, "power_mw = -1.0 must be at least 0"),
        ("power_mw", float("nan"), "power_mw = nan must be finite"),
        ("power_mw", True, "power_mw = True must be a number"),
        ("clock_mhz", 0, "clock_mhz = 0 must be above 0"),
        ("is_critical_path", 1, "is_critical_path = 1 must be true or false"),
        ("decorrelator", " ", "must be a text, and not empty"),
        ("lfsr_polynomial", "x^5 + x^3", "must be a sum of powers of x and 1"),
        ("lfsr_polynomial", f"x^{'9' * 5000} + 1", "must be a sum of powers of x and 1"),
        ("lfsr_polynomial", "y^5 + 1", "must be a sum of powers of x and 1"),
        ("lfsr_polynomial", "x^5 + x^5 + 1", "has a power twice"),
    ],
)
def test_values_out_of_range_are_named_with_what_is_allowed(name: str, value: Any, says: str) -> None:
    with pytest.raises(ObservationLoadError, match=f"payload: .*{says}"):
        one(**{name: value})


@pytest.mark.parametrize("text", ["x^16 + x^15 + x^13 + x^4 + 1", "x16+x15+x13+x4+1", "x**16+x**4+x**15+x**13+1"])
def test_a_polynomial_is_the_same_in_every_spelling(text: str) -> None:
    assert one(lfsr_polynomial=text).lfsr_polynomial == "x^16 + x^15 + x^13 + x^4 + 1"
    assert one(lfsr_polynomial="x^3+x+1").lfsr_polynomial == "x^3 + x^1 + 1"
    assert one(lfsr_polynomial="None").lfsr_polynomial == "none"


# ---------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"power_w": 0.5}, "power_mw", 500.0),
        ({"power_uw": 500}, "power_mw", 0.5),
        ({"power": {"value": 2.5, "unit": "mW"}}, "power_mw", 2.5),
        ({"static_power": {"value": 1, "unit": "W"}}, "static_power_mw", 1000.0),
        ({"fmax_ghz": 0.25}, "fmax_mhz", 250.0),
        ({"clock_khz": 12_000}, "clock_mhz", 12.0),
        ({"wns_ps": -250}, "wns_ns", -0.25),
    ],
)
def test_units_are_brought_to_ours(given: dict[str, Any], name: str, value: float) -> None:
    assert getattr(one(**given), name) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"power_kw": 1}, "power_kw has the unknown unit 'kw'; known: power_mw, power_w, power_uw"),
        ({"power": {"value": 1, "unit": "hp"}}, "power has the unknown unit 'hp'"),
        ({"power": 3.2}, "power = 3.2 has no unit; call it power_mw"),
        ({"power": {"value": 3.2}}, "has no unit"),
        ({"energy_kwh": 1}, "energy_kwh has the unknown unit 'kwh'"),
        ({"clock_rpm": 1}, "unknown unit 'rpm'"),
        ({"power_w": 1, "power_mw": 1000}, "power_mw is given twice"),
        ({"power_w": "1"}, "power_w: power_mw = '1' must be a number"),
        ({"power_w": True}, "must be a number"),
        ({"power_w": 1e308}, "must be finite"),
    ],
)
def test_unknown_units_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ObservationLoadError, match=says):
        one(**given)


# ---------------------------------------------------------------- energy

POWERED = {"power_mw": 90.0, "static_power_mw": 60.0, "dynamic_power_mw": 30.0}


def test_energy_is_power_times_time_per_inference() -> None:
    found = one(**POWERED, clock_mhz=16.0, inferences_per_run=2)
    # 64 clocks at 16 MHz are 4 us; 90 mW x 4 us = 360 nJ for two inferences.
    assert found.energy_nj == 180.0
    assert (found.static_energy_nj, found.dynamic_energy_nj) == (120.0, 60.0)


@pytest.mark.parametrize("left_out", [{"clock_mhz"}, {"inferences_per_run"}, {"power_mw"}, {"clock_mhz", "power_mw"}])
def test_no_energy_unless_clock_and_inferences_are_both_given(left_out: set[str]) -> None:
    given = {**POWERED, "clock_mhz": 16.0, "inferences_per_run": 2}
    assert one(**{k: v for k, v in given.items() if k not in left_out}).energy_nj is None


@pytest.mark.parametrize("left_out", ["clock_mhz", "inferences_per_run"])
def test_an_energy_that_cannot_be_followed_is_refused(left_out: str) -> None:
    given = {**POWERED, "clock_mhz": 16.0, "inferences_per_run": 2, "energy_nj": 180.0}
    assert one(**given).energy_nj == 180.0
    with pytest.raises(ObservationLoadError, match="energy_nj = 180 without clock_mhz and inferences_per_run"):
        one(**{k: v for k, v in given.items() if k != left_out})
    with pytest.raises(ObservationLoadError, match=r"energy_nj = 170, and power_mw .* is 180"):
        one(**{**given, "energy_nj": 170.0})


def test_a_measured_energy_needs_no_power() -> None:
    assert one(clock_mhz=16.0, inferences_per_run=2, energy_nj=170.0).energy_nj == 170.0


def test_power_must_be_at_least_its_parts() -> None:
    assert one(**POWERED).power_mw == 90.0
    with pytest.raises(ObservationLoadError, match="power_mw = 80 is less than its parts, 90"):
        one(**{**POWERED, "power_mw": 80.0})


# ---------------------------------------------------------------- where records are found

HALF = {key: RECORD[key] for key in list(RECORD)[:4]}
OTHER = {key: RECORD[key] for key in list(RECORD)[4:]}


@pytest.mark.parametrize("container", ["observations", "benchmark_observations", "layers", "runs", "results"])
def test_records_are_found_in_every_container_with_shared_defaults(container: str) -> None:
    payload = {**HALF, container: [{**OTHER, "luts_used": 1}, {**OTHER, "luts_used": 2, "mac_count": 9}]}
    first, second = observations_from_payload(payload)
    assert (first.luts_used, first.mac_count, first.decorrelator) == (1, 256, "shift")
    assert (second.luts_used, second.mac_count, second.decorrelator) == (2, 9, "shift")
    (single,) = observations_from_payload({container: RECORD})
    assert single == one()
    named = observations_from_payload({container: {"fc1": RECORD, "fc2": {**RECORD, "luts_used": 7}}})
    assert [(o.name, o.luts_used) for o in named] == [("fc1", 421), ("fc2", 7)]


def test_a_list_and_one_object_are_payloads_too() -> None:
    assert observations_from_payload([RECORD, RECORD]) == (one(), one())
    assert observations_from_payload(RECORD) == (one(),)


def test_defaults_have_a_place_of_their_own() -> None:
    payload = {"schema": "sctorch-observations/1", "defaults": {**HALF, "power_w": 0.01}, "observations": [OTHER]}
    (found,) = observations_from_payload(payload)
    assert (found.mac_count, found.power_mw) == (256, 10.0)


def test_records_may_hold_records() -> None:
    payload = {"decorrelator": "permute", "runs": [{"target": "ice40", "layers": [RECORD, {**OTHER, **HALF}]}]}
    found = observations_from_payload(payload)
    assert [o.target for o in found] == ["ice40", "ice40"]
    assert [o.decorrelator for o in found] == ["shift", "shift"]


def test_what_is_no_field_is_kept() -> None:
    found = one(board="bench 3", temperature_c=25, power_report="top_power.rpt")
    assert found.extra == {"board": "bench 3", "temperature_c": 25, "power_report": "top_power.rpt"}
    assert found.to_record()["board"] == "bench 3"


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ([], "no records; looked for a list, one object, or observations"),
        ({"observations": []}, "no records"),
        ({"layers": {}}, "no records"),
        ({}, "mac_count, bitstream_length, .* missing"),
        (3, "int where a record or a list of records must be"),
        (None, "NoneType where"),
        ("text", "str where"),
        ([3], r"payload\[0\]: int where a record must be"),
        ({"runs": [RECORD, None]}, r"payload.runs\[1\]: NoneType where"),
        ({"runs": [RECORD], "layers": [RECORD]}, "records under layers and runs"),
        ({"observations": [RECORD], "defaults": 3}, "payload.defaults: int where an object must be"),
        (
            {"schema": "other/2", "observations": [RECORD]},
            "schema = 'other/2' is unknown; known: sctorch-observations/1",
        ),
        ({"layers": {"a": {"luts_used": 1}}}, "payload.layers.a: mac_count, .* missing"),
    ],
)
def test_a_payload_without_records_is_refused(payload: Any, says: str) -> None:
    with pytest.raises(ObservationLoadError, match=says):
        observations_from_payload(payload)


def test_records_within_records_have_an_end() -> None:
    payload: Any = [RECORD]
    for _ in range(20):
        payload = {"runs": payload}
    with pytest.raises(ObservationLoadError, match="more than 8 deep"):
        observations_from_payload(payload)


# ---------------------------------------------------------------- files


def test_a_file_of_records(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps({"observations": [RECORD]}))
    assert load_observations(path) == (one(),)
    assert load_observations(str(path)) == (one(),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not valid JSON, or cut off"),
        ('[{"mac_count": 1', "not valid JSON, or cut off"),
        ('{"mac_count": NaN}', "NaN is no number that can be measured"),
        ('{"mac_count": 1, "mac_count": 2}', "'mac_count' stands twice in one object"),
        ("[" * 100_000, "not valid JSON"),
        ('{"mac_count": ' + "1" * 5000 + "}", "evidence.json: "),
        ('{"power_mw": 1e999}', "missing"),
    ],
)
def test_a_file_that_is_no_evidence_is_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    with pytest.raises(ObservationLoadError, match=says):
        load_observations(path)


def test_a_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ObservationLoadError, match=r"none.json: cannot be read: No such file"):
        load_observations(tmp_path / "none.json")
    (tmp_path / "latin").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(ObservationLoadError, match="not valid JSON"):
        load_observations(tmp_path / "latin")
    with pytest.raises(ConfigError, match="must be a path"):
        load_observations(None)  # type: ignore[arg-type]
    assert issubclass(ObservationLoadError, SctorchError)
    assert issubclass(ObservationLoadError, ValueError)


# ---------------------------------------------------------------- the schema


def test_the_published_schema_is_the_one_of_the_table() -> None:
    published = Path(schema_module.__file__).with_name("observations.schema.json")
    assert json.loads(published.read_text()) == observation_schema()


def test_the_schema_says_what_the_loader_does() -> None:
    schema = observation_schema()["$defs"]
    properties = schema["fields"]["properties"]
    assert set(properties) == set(FIELDS)
    assert schema["observation"]["required"] == list(REQUIRED)
    assert properties["accuracy_score"] == {
        "type": "number", "minimum": 0.0, "maximum": 1.0, "description": FIELDS["accuracy_score"].about,
    }  # fmt: skip
    assert (properties["luts_used"]["type"], properties["luts_used"]["minimum"]) == ("integer", 0)
    assert properties["clock_mhz"]["exclusiveMinimum"] == 0.0
    assert "minimum" not in properties["wns_ns"]
    for name, field in FIELDS.items():
        given = properties[name]
        for key, step in (("minimum", -1), ("maximum", 1)):
            if key in given:
                with pytest.raises(ObservationLoadError, match=name):
                    one(**{name: given[key] + step})
        assert (
            given["type"] == {"integer": "integer", "number": "number", "text": "string", "flag": "boolean"}[field.kind]
        )
