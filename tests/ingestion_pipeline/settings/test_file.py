import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import TABLES, Settings

MINIMAL = "[environments.dev]\n"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:b"
SOURCES = f"""
[[sources]]
name = "a"
url = "https://a.example/"
[[sources]]
name = "b"
url = "https://b.example/"
auth = {{ kind = "bearer", secret_arn = "{SECRET}" }}
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes a file of settings."""

    def written(text: str) -> Path:
        file = tmp_path / "pipeline.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def problems(file: Path, environment: str = "dev") -> list[str]:
    """Every problem of a file, as its reader sees it."""
    with pytest.raises(SettingsError) as caught:
        read(file, environment)
    return [str(problem) for problem in caught.value.problems]


class TestDefaults:
    def test_of_an_empty_environment(self, write: Write) -> None:
        """A file that only names the environment gives the default of everything."""
        assert read(write(MINIMAL), "dev") == Settings()

    def test_of_the_projects_own_file(self, root: Path) -> None:
        """The file of the project sets what the design says, with one shard in dev."""
        dev, prod = (read(root / "pipeline.toml", environment) for environment in ("dev", "prod"))

        assert (dev.stream.shard_count, prod.stream.shard_count) == (1, 2)
        assert dev.sources == ({"name": "posts", "url": "https://jsonplaceholder.typicode.com/posts"},)

    @pytest.mark.parametrize("environment", ["dev", "prod", "local"])
    def test_no_environment_reserves_concurrency(self, root: Path, environment: str) -> None:
        """A new account has a quota of 10 and must keep 10 unreserved: reserving would fail at apply."""
        settings = read(root / "pipeline.toml", environment)

        assert settings.function.reserved_concurrency is None

    def test_prod_keeps_records_for_seven_days(self, root: Path) -> None:
        """A delivery that fails over a weekend loses nothing in prod; dev pays for 24 hours only."""
        dev, prod = (read(root / "pipeline.toml", environment) for environment in ("dev", "prod"))

        assert (dev.stream.retention_hours, prod.stream.retention_hours) == (24, 168)


class TestOverlay:
    def test_wins_key_by_key(self, write: Write) -> None:
        """What the environment sets is its own, what it leaves stays as it is for all."""
        file = write(
            "[stream]\nshard_count = 3\nretention_hours = 48\n[environments.dev.stream]\nshard_count = 1\n"
        )
        stream = read(file, "dev").stream

        assert (stream.shard_count, stream.retention_hours) == (1, 48)

    def test_is_only_for_its_environment(self, write: Write) -> None:
        """What prod sets does not reach dev."""
        file = write(f"{MINIMAL}[environments.prod.stream]\nshard_count = 9\n")

        assert [read(file, name).stream.shard_count for name in ("dev", "prod")] == [2, 9]

    def test_may_set_a_table_that_nothing_else_sets(self, write: Write) -> None:
        """A table may stand in an environment alone."""
        settings = read(write("[environments.dev.lake]\ndelete_with_stack = true\n"), "dev")

        assert settings.lake.delete_with_stack is True

    def test_joins_tags(self, write: Write) -> None:
        """Tags of an environment come on top of those for all, and win."""
        file = write(
            '[pipeline]\ntags = { Team = "a", Cost = "1" }\n[environments.dev.pipeline.tags]\nCost = "2"\n'
        )

        assert read(file, "dev").pipeline.tags == {"Team": "a", "Cost": "2"}

    def test_replaces_lists(self, write: Write) -> None:
        """A list in an environment stands instead of the one for all, so that it can be narrowed."""
        file = write(
            '[fetch]\nallowed_hosts = ["a.example", "b.example"]\n'
            '[environments.dev.fetch]\nallowed_hosts = ["c.example"]\n'
        )

        assert read(file, "dev").fetch.allowed_hosts == ("c.example",)

    def test_amends_a_source_by_its_name(self, write: Write) -> None:
        """A source of an environment is merged over the one of that name; no other environment sees it."""
        file = write(
            f'{SOURCES}[[environments.prod.sources]]\nname = "b"\nurl = "https://b.example/prod"\n{MINIMAL}'
        )

        assert [source["url"] for source in read(file, "prod").sources] == [
            "https://a.example/",
            "https://b.example/prod",
        ]
        assert [source["url"] for source in read(file, "dev").sources] == [
            "https://a.example/",
            "https://b.example/",
        ]

    def test_amends_a_table_of_a_source_key_by_key(self, write: Write) -> None:
        """Two accounts authenticate alike with secrets of their own, also of another Region."""
        file = write(f'{SOURCES}[[environments.dev.sources]]\nname = "b"\nauth.secret_arn = "{SECRET}-2"\n')

        assert read(file, "dev").sources[1]["auth"] == {"kind": "bearer", "secret_arn": f"{SECRET}-2"}

    def test_takes_a_secret_of_another_region(self, write: Write) -> None:
        """The role may read a secret where its ARN says; it need not lie in the Region of the pipeline."""
        file = write(f'[pipeline]\nregion = "us-east-1"\n{SOURCES}{MINIMAL}')

        assert read(file, "dev").configured_sources.secret_arns == [f"{SECRET}-??????"]

    def test_replaces_a_table_of_a_source_that_has_another_kind(self, write: Write) -> None:
        """Keys of one kind of authentication are not left over for another."""
        file = write(f'{SOURCES}[[environments.dev.sources]]\nname = "b"\nauth = {{ kind = "none" }}\n')

        assert read(file, "dev").sources[1]["auth"] == {"kind": "none"}

    def test_adds_a_source_of_a_new_name(self, write: Write) -> None:
        """It comes last, so that the default source stays the default."""
        file = write(f'{SOURCES}[[environments.dev.sources]]\nname = "c"\nurl = "https://c.example/"\n')

        assert [source["name"] for source in read(file, "dev").sources] == ["a", "b", "c"]

    def test_completes_a_source(self, write: Write) -> None:
        """A source is checked as it is merged: what differs everywhere need not stand for all."""
        file = write(
            '[[sources]]\nname = "a"\nurl = "https://a.example/"\nauth = { kind = "bearer" }\n'
            f'[[environments.dev.sources]]\nname = "a"\nauth.secret_arn = "{SECRET}"\n'
        )

        assert read(file, "dev").sources[0]["auth"] == {"kind": "bearer", "secret_arn": SECRET}

    def test_says_which_environment(self, write: Write) -> None:
        """Settings know what environment they are of."""
        assert read(write("[environments.staging]\n"), "staging").environment == "staging"


class TestGuarded:
    def test_five_mistakes_are_five_lines(self, write: Write) -> None:
        """Every mistake of a file is reported at once, wherever it is."""
        text = (
            '[stream]\nshard_count = 0\nshards = 1\n[crawl]\nx = 1\n[[sources]]\nname = "Big"\n'
            'url = "https://example.com"\n[environments.dev.function]\nmemory_mib = "512"\n'
        )
        found = [line.split(":")[0] for line in problems(write(text))]

        assert found == [
            "stream.shards = 1",
            "stream.shard_count = 0",
            "crawl = {'x'",
            "sources[0].name = 'Big'",
            "environments.dev.function.memory_mib = '512'",
        ]

    def test_a_mistake_in_prod_is_found_in_dev(self, write: Write) -> None:
        """The whole file is checked, not only the environment that is chosen."""
        file = write(f"{MINIMAL}[environments.prod.stream]\nretention_hours = 12\n")

        assert [line.split(":")[0] for line in problems(file)] == [
            "environments.prod.stream.retention_hours = 12"
        ]

    def test_a_conflict_in_prod_is_found_in_dev(self, write: Write) -> None:
        """What the overlay of another environment makes of good settings is checked too."""
        file = write(f'{MINIMAL}[environments.prod.function]\nruntime = "host"\n')

        assert problems(file) == [
            "environments.prod.function.architecture = 'arm64': must be host together with function.runtime, "
            "which is 'host'"
        ]

    def test_a_conflict_for_all_is_reported_once(self, write: Write) -> None:
        """What is wrong in every environment is one line, not one for each."""
        file = write('[function]\nruntime = "host"\n[environments.dev]\n[environments.prod]\n')

        assert len(problems(file)) == 1

    def test_a_mistake_in_a_source_of_prod_is_found_in_dev(self, write: Write) -> None:
        """The sources of every environment are checked, and the problem says where it stands."""
        file = write(f'{SOURCES}{MINIMAL}[[environments.prod.sources]]\nname = "b"\nurl = "ftp://b"\n')

        assert [line.split(":")[0] for line in problems(file)] == ["environments.prod.sources[0].url = 'ftp"]

    def test_a_mistake_in_a_source_for_all_is_reported_once(self, write: Write) -> None:
        """What is wrong in every environment is one line, at the place where it stands."""
        file = write(f'[[sources]]\nname = "a"\nurl = "ftp://a"\n{MINIMAL}[environments.prod]\n')

        assert [line.split(":")[0] for line in problems(file)] == ["sources[0].url = 'ftp"]

    @pytest.mark.parametrize(
        ("changes", "start"),
        [
            (
                "[environments.dev]\nsources = 5",
                "environments.dev.sources = 5: must be tables, each written [[",
            ),
            (
                '[[environments.dev.sources]]\nurl = "https://c.example/"',
                "environments.dev.sources[0].name = None: must name the source that it changes",
            ),
            (
                '[[environments.dev.sources]]\nname = "a"\n[[environments.dev.sources]]\nname = "a"\n',
                "environments.dev.sources[1].name = 'a': is named twice",
            ),
        ],
    )
    def test_changes_that_fit_no_source_are_refused(self, write: Write, changes: str, start: str) -> None:
        """A source of an environment has the name of the one that it changes."""
        (problem,) = problems(write(SOURCES + changes))

        assert problem.startswith(start)

    def test_an_environment_can_mend_a_conflict(self, write: Write) -> None:
        """Settings are held against each other as they are merged, not as they are written."""
        file = write(
            '[environments.dev]\nfunction = { runtime = "host", architecture = "host" }\n'
            '[function]\narchitecture = "x86_64"\n'
        )

        assert read(file, "dev").function.architecture == "host"

    @pytest.mark.parametrize("table", TABLES)
    def test_unknown_keys_are_refused(self, write: Write, table: str) -> None:
        """A key that no table knows is reported, with those that it has."""
        (problem,) = problems(write(f"[{table}]\nnonsense = 1\n{MINIMAL}"))

        assert re.match(rf"{table}\.nonsense = 1: is not a setting; {table} has [a-z_, ]+$", problem)

    @pytest.mark.parametrize(
        ("text", "environment", "start"),
        [
            ("[stream", "dev", "file = 'pipeline.toml': is not TOML: "),
            (MINIMAL, "prod", "ENV = 'prod': is not an environment of this file; it has dev"),
            ("", "dev", "ENV = 'dev': is not an environment of this file; it has none; add"),
            ("environments = 5", "dev", "environments = 5: must be tables such as"),
            ("[environments]\ndev = 5", "dev", "environments.dev = 5: must hold tables"),
            (f"stream = 5\n{MINIMAL}", "dev", "stream = 5: must be a table, written [stream]"),
            (
                f"[kinesis]\n{MINIMAL}",
                "dev",
                "kinesis = {}: is not a table of settings; there are pipeline, ",
            ),
            (f"sources = 5\n{MINIMAL}", "dev", "sources = 5: must be tables, each written [[sources]]"),
            (
                f'sources = ["a"]\n{MINIMAL}',
                "dev",
                "sources[0] = 'a': must be one of tables, each written [[sources]]",
            ),
            (
                f"[[stream]]\nshard_count = 1\n{MINIMAL}",
                "dev",
                "stream = [{'shard_count': 1}]: must be a table",
            ),
            (
                f"[pipeline]\ntags = {{ a = 1 }}\n{MINIMAL}",
                "dev",
                "pipeline.tags = {'a': 1}: must be a table",
            ),
            (f"[pipeline]\ntags = 5\n{MINIMAL}", "dev", "pipeline.tags = 5: must be a table of strings"),
            (f'[pipeline.tags]\n"aws:a" = "b"\n{MINIMAL}', "dev", "pipeline.tags.aws:a = 'b': a tag has"),
            ("[environments.my-dev]", "my-dev", "environments = 'my-dev': must be 1 to 20"),
            ("[environments.Dev]", "Dev", "environments = 'Dev': must be 1 to 20"),
            (f"[environments.{'a' * 21}]", "a" * 21, f"environments = '{'a' * 21}': must be"),
        ],
    )
    def test_a_file_of_another_shape(self, write: Write, text: str, environment: str, start: str) -> None:
        """What is no file of settings is refused with one line that says why."""
        (problem,) = problems(write(text), environment)

        assert problem.startswith(start)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """A missing file is named."""
        (problem,) = problems(tmp_path / "none.toml")

        assert problem.startswith(f"file = {str(tmp_path / 'none.toml')!r}: does not exist")

    def test_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        """Bytes that are not UTF-8 are not TOML."""
        file = tmp_path / "pipeline.toml"
        file.write_bytes(b"\xff\xfe[stream]")

        assert problems(file)[0].startswith("file = 'pipeline.toml': is not TOML: 'utf-8' codec")

    def test_the_error_names_the_file(self, write: Write) -> None:
        """The first line says what file cannot be used."""
        with pytest.raises(SettingsError, match=r"^pipeline\.toml: 1 setting cannot be used\n"):
            read(write("[environments.dev.stream]\nshard_count = 0\n"), "dev")


def test_a_byte_order_mark_is_no_mistake_and_a_misspelt_name_is_told(tmp_path: Path) -> None:
    """Editors on Windows write the mark; each level of the file knows the name that was meant."""
    path = tmp_path / "pipeline.toml"
    sources = '[[sources]]\nurl = "https://a.test"\npagintion = 1\n'
    text = f"[streem]\n[function]\nmemory_mb = 1\n{sources}[environments.dev]\n"
    path.write_text(text, encoding="utf-8-sig")
    with pytest.raises(SettingsError) as refused:
        read(path, "dev")
    meant = re.findall(r"did you mean (\w+)\?", str(refused.value))

    assert sorted(meant) == ["memory_mib", "pagination", "stream"]
