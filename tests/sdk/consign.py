"""Consign's side: a sandbox of its own, and what Consign sends there for the people of `people.csv`."""

import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def people():
    """The rows of the table, as they were written."""
    with open(os.path.join(HERE, "people.csv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Rehearsal:
    """A sandbox to which Consign has delivered the campaign once."""

    def __init__(self):
        self.binary = os.environ["CONSIGN"]
        self.folder = tempfile.mkdtemp(prefix="consign-sdk.")
        self.sandbox = subprocess.Popen([self.binary, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = self.sandbox.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            self.end()
            raise RuntimeError(f"the sandbox does not say where it is: {line!r}")
        self.url = found.group()
        try:
            os.makedirs(os.path.join(self.folder, "definitions", "data"))
            shutil.copy(os.path.join(HERE, "workspace.yaml"), os.path.join(self.folder, "definitions"))
            shutil.copy(os.path.join(HERE, "people.csv"), os.path.join(self.folder, "definitions", "data"))
            self.consign("apply", os.path.join(self.folder, "definitions"))
            previewed = self.consign("preview", "sdk", "--show-rows", "5")
            # What would be sent, as one body.
            self.bodies = {one["kind"]: json.loads("\n".join(one["sample"])) for one in previewed["deliveries"]}
            self.run = self.consign("run", "sdk")
        except BaseException:
            self.end()
            raise

    def consign(self, *arguments):
        """What a command prints as JSON."""
        options = ["--json", "--data", os.path.join(self.folder, "data"), "--sandbox-url", self.url]
        done = subprocess.run([self.binary, *arguments, *options], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"consign {' '.join(arguments)} ended with {done.returncode}: {done.stdout}")
        return json.loads(done.stdout)

    def base(self, platform):
        """The base URL of a platform."""
        return f"{self.url}/{platform}"

    def look(self, path):
        """A JSON page of the sandbox."""
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def members(self, platform, list_id):
        """The members of a list, as the sandbox received them."""
        return self.look(f"/lists/{urllib.parse.quote(list_id)}.json?platform={platform}")["members"]

    def ours(self, platform, kind):
        """The members that Consign put on its list."""
        [list_id] = [one["list"]["list_id"] for one in self.run["deliveries"] if one["kind"] == kind]
        return self.members(platform, list_id)

    def end(self):
        """Stops the sandbox and removes everything."""
        self.sandbox.terminate()
        self.sandbox.wait()
        self.sandbox.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
