"""The systemd units: valid, hardened, made out for the configured folders."""

import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze on the PATH"
)


def analyze(unit, *arguments, runtime):
    """Run systemd-analyze on a unit and return what it did."""
    return subprocess.run(
        ["systemd-analyze", *arguments, str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("user", [[], ["--user"]], ids=["system", "user"])
def test_units_are_silently_valid_and_name_the_folders(home, user):
    """`systemd-analyze verify` has nothing to say, whatever the folders are called."""
    odd = home.folder / 'per cent % and "quotes"'
    odd.mkdir()
    name = str(odd).replace('"', '\\"')
    home.config.write_text(home.config.read_text().replace('"photos"', f'"photos", "{name}"'))

    report = home.json("service", "install", *user, "--directory", home.folder / "units")

    done = analyze(report["unit"], *user, "verify", "--man=no", runtime=home.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (home.folder / "units" / "picturerail.service").read_text()
    assert "Type=notify" in text
    assert "@" not in text.replace("@system-service", "").replace("@privileged", "").replace(
        "@ signs", ""
    )
    home.run("service", "uninstall", *user, "--directory", home.folder / "units")
    assert not (home.folder / "units" / "picturerail.service").exists()
    home.run("service", "uninstall", *user, "--directory", home.folder / "units", code=1)


def test_the_system_unit_is_hardened(home):
    """Its exposure by systemd's own measure stays low."""
    report = home.json("service", "install", "--directory", home.folder / "units")

    done = analyze(
        report["unit"], "security", "--offline=true", "--threshold=25", runtime=home.folder
    )

    assert done.returncode == 0, done.stdout


def test_what_the_service_could_not_do_is_said_before(home):
    """An unwritable place for the site is refused, with the key to change."""
    home.config.write_text(home.config.read_text().replace('"site"', '"/proc/site"'))

    assert b"export.path" in home.run("service", "install", code=2).stderr
