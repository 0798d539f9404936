"""Recipes: what is accepted, what is refused, and how a field is changed from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sctorch.cli import main
from sctorch.errors import ConfigError
from sctorch.pipeline.checking import CheckedRecipe, check
from sctorch.pipeline.overrides import read_plain, split_arguments, with_overrides

ROOT = Path(__file__).resolve().parents[2]


def checked(recipe: Path, *overrides: str) -> CheckedRecipe:
    pairs = [(name, value) for name, _, value in (text.partition("=") for text in overrides)]
    return check(with_overrides(read_plain(recipe), pairs), recipe)


RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_we_ship_are_good(
    path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path.stem.startswith("mnist"):  # data that is not in the package
        monkeypatch.setenv("SCTORCH_MNIST", request.getfixturevalue("mnist_folder"))
    assert checked(path).plain["name"] == path.stem


def test_defaults_are_filled_in(recipe: Path) -> None:
    plain = checked(recipe).plain
    assert plain["train"]["lr"] > 0
    assert plain["network"]["layers"][1]["init_args"]["bitstream_length"] == 1
    assert plain["exports"] == [{"backend": "verilog", "target": None, "options": {}}]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trian.epochs=3", ["'trian'", "did you mean 'train'"]),
        ("train.epoch=3", ["train.epoch", "did you mean 'epochs'"]),
        ("train.epochs=many", ["train.epochs", "int", "many"]),
        ("train.epochs=2.5", ["train.epochs", "int", "2.5"]),
        ("train.epochs=0", ["epochs = 0", "at least 1"]),
        ("threads=0", ["threads = 0", "at least 1"]),
        ("seed=x", ["seed", "int", "x"]),
        ("network=3", ["network", "layers, num_steps"]),
        ("network.layers.1.weight_bit=2", ["network.layers.1", "sctorch.nn.SCLinear", "'weight_bits'"]),
        ("network.layers.1.weight_bits=q", ["network.layers.1.weight_bits", "int", "q"]),
        ("network.layers.1.weight_bits=12", ["weight_bits = 12", "1 to 8"]),
        ("network.layers.2.size=31", ["neuron1", "31", "12"]),
        ("network.layers.2.class_path=LIFF", ["network.layers.2", "'LIFF'", "sctorch.nn.LIF"]),
        ("network.layers.2.class_path=torch.nn.ReLU", ["network.layers.2"]),
        ("network.layers.7.size=3", ["network.layers.7", "0 to 4"]),
        ("network.layers=[]", ["an encoder must come first"]),
        ("data.batchsize=3", ["data", "'batch_size'"]),
        ("data.batch_size=0", ["batch_size = 0"]),
        ("data.class_path=Digts", ["data", "sctorch.data.Digits"]),
        ("prune.sparsity=2", ["sparsity = 2.0"]),
        ("prune.sparsity=half", ["prune.sparsity", "half"]),
        ("prune.amount=0.5", ["prune", "'amount'", "sparsity"]),
        ("exports.0.backnd=hls", ["exports.0", "'backend'"]),
        ("exports=[]", ["synth.targets", "verilog"]),
        ("train.devices=2", ["train.devices = 2", "docs/training.md"]),
        ("train.num_nodes=0", ["num_nodes = 0", "at least 1"]),
        ("verify.windows=0", ["verify.windows = 0"]),
        ("verify.window=3", ["verify.window", "'windows'"]),
        ("synth.targets=[a, a]", ["twice"]),
        ("report.window=-1", ["report.window = -1"]),
        ("report.window=360", ["report.window", "360 rows"]),
        ("verify.windows=361", ["verify.windows", "360 rows"]),
        ("name=Digits", ["'Digits'", "a-z"]),
        ("name=neuron1", ["neuron1"]),
        ("name.first=x", ["name.first"]),
    ],
)
def test_a_wrong_field_is_named_in_one_line(recipe: Path, override: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        checked(recipe, override)
    text = str(error.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nname: b\n", ["line 2", "'name'", "twice"]),
        ("name: [\n", ["line"]),
        ("just words\n", ["no recipe"]),
        ("name: a\n", ["network.layers"]),
    ],
)
def test_a_broken_file_is_an_error(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        checked(path)
    assert all(word in str(error.value) for word in [*words, "broken.yaml"]), str(error.value)


def test_data_that_does_not_fit_the_network_is_refused(recipe: Path) -> None:
    with pytest.raises(ConfigError, match="64 features, but the network is made for 60"):
        checked(recipe, "network.layers.0.size=60", "network.layers.1.in_features=60")


def test_overrides_replace_fields_at_any_depth(recipe: Path) -> None:
    plain = checked(
        recipe, "train.epochs=7", "network.layers.1.weight_bits=2", "data.init_args.batch_size=9", "prune=null",
        "synth.targets=[]", "exports.0.options.deep=3", "verify.windows=null", "train.lr=1e-3",
    ).plain  # fmt: skip
    assert plain["train"]["epochs"] == 7
    assert plain["train"]["lr"] == 1e-3
    assert plain["network"]["layers"][1]["init_args"]["weight_bits"] == 2
    assert plain["data"]["init_args"]["batch_size"] == 9
    assert plain["prune"] is None
    assert plain["synth"]["targets"] == []
    assert plain["exports"][0]["options"] == {"deep": 3}
    assert plain["verify"]["windows"] is None


def test_overrides_leave_the_given_recipe_alone(recipe: Path) -> None:
    plain = read_plain(recipe)
    with_overrides(plain, [("network.layers.1.weight_bits", "2")])
    assert plain == read_plain(recipe)


def test_a_pruning_that_was_null_can_be_given_by_its_fields(recipe: Path) -> None:
    recipe.write_text(recipe.read_text().replace("prune: {sparsity: 0.5}", "prune: null"))
    assert checked(recipe, "prune.sparsity=0.25").plain["prune"]["sparsity"] == 0.25


def test_arguments_are_split_from_flags() -> None:
    rest, overrides = split_arguments(["--a.b", "1", "r.yaml", "--force", "--c=x=y", "--d", "-1"], ("--force",))
    assert rest == ["r.yaml", "--force"]
    assert overrides == [("a.b", "1"), ("c", "x=y"), ("d", "-1")]
    with pytest.raises(ConfigError, match=r"--seed needs a value"):
        split_arguments(["--seed"], ())
    with pytest.raises(ConfigError, match=r"--seed needs a value"):
        split_arguments(["--seed", "--force"], ("--force",))


def test_the_same_seed_gives_the_same_first_weights(recipe: Path) -> None:
    first, again = (checked(recipe).build().network.build().state_dict() for _ in range(2))
    other = checked(recipe, "seed=1").build().network.build().state_dict()
    assert all((first[key] == again[key]).all() for key in first)
    assert not (first["synapse1.weight"] == other["synapse1.weight"]).all()


@pytest.mark.parametrize("arguments", [["--train.epoch", "3"], ["--seed", "x"], ["--seed"]])
def test_a_bad_recipe_ends_with_status_2_and_one_line(
    recipe: Path, fakes: object, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(recipe), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("sctorch: error: ")
    assert captured.err.count("\n") == 1


def test_a_recipe_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_show_prints_the_recipe_with_every_default(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(recipe), "--show", "--train.epochs", "11"]) == 0
    text = capsys.readouterr().out
    assert "epochs: 11" in text
    assert "bitstream_length: 1" in text
