"""What the story reads of the manifests, and what it says when it cannot use them."""

import shutil

import pytest

from hookgate_gateway.dev.workbench import QUICKSTART, BadManifests, read_folder


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(QUICKSTART, tmp_path / "quickstart")
    return tmp_path / "quickstart"


def lines(folder):
    with pytest.raises(BadManifests) as caught:
        read_folder(folder)
    return caught.value.lines


def edit(folder, name, before, after):
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_the_quickstart_has_a_key_and_a_mailbox_for_each_subscription():
    bench = read_folder(QUICKSTART)
    assert {box.owner for box in bench.mailboxes.values()} == {
        "the run itself",
        "every-run",
        "flaky",
    }
    assert bench.has_flaky
    assert bench.api_key not in repr(bench)


@pytest.mark.parametrize(
    ("name", "before", "after", "words"),
    [
        ("every-run.yaml", "http://127.0.0.1:8090/webhooks/skyvern", "127.0.0.1/x", ["every-run", "endpoint.url"]),
        ("flaky.yaml", "timeoutSeconds", "timeoutSecond", ["flaky", "timeoutSecond"]),
        ("flaky.yaml", "[1, 1, 2]", "[1, 0]", ["flaky", "retryDelaysSeconds"]),
        ("flaky.yaml", "key: secret}", "key: secrets}", ["flaky", "secrets"]),
        ("every-run.yaml", "spec:", "spec: [", ["every-run.yaml"]),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(folder, name, before, after, words):
    edit(folder, name, before, after)
    (line,) = lines(folder)
    assert all(word in line for word in words), line


def test_a_folder_nobody_may_call_is_told(folder):
    (folder / "api-key.yaml").unlink()
    (line,) = lines(folder)
    assert "hookgate.dev/api-key" in line


def test_an_empty_folder_and_none_at_all_are_told(tmp_path):
    assert "there is no .yaml" in lines(tmp_path)[0]
    assert "is not a folder" in lines(tmp_path / "none")[0]


def test_a_subscription_that_posts_elsewhere_has_no_mailbox(folder):
    edit(folder, "every-run.yaml", "127.0.0.1:8090", "127.0.0.1:9999")
    owners = {box.owner for box in read_folder(folder).mailboxes.values()}
    assert owners == {"the run itself", "flaky"}
