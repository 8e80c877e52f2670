"""tiktok-business-api-sdk-official. It has no calls of the streaming API (`segment/...`), by which Consign fills audiences: it reads
what Consign made, and fills audiences of its own by files."""

import hashlib
import os
import tempfile
import unittest

import business_api_client
from business_api_client.tiktok_business.tiktok_exceptions import TiktokSDKError

from consign import Rehearsal, people

ADVERTISER = "7000000000000000123"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Tiktok(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rehearsal = Rehearsal()
        cls.addClassCleanup(cls.rehearsal.end)
        configuration = business_api_client.Configuration()
        configuration.host = cls.rehearsal.base("tiktok")
        cls.client = business_api_client.ApiClient(configuration)
        cls.api = business_api_client.AudienceApi(cls.client)

    def listed(self):
        found = self.api.dmp_custom_audience_list(ADVERTISER, "token", page=1, page_size=100)
        return {one["audience_id"]: one["name"] for one in found["data"]["list"]}

    def upload(self, hashes):
        text = "\n".join(hashes).encode()
        with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        sent = self.api.dmp_custom_audience_file_upload(
            "token",
            advertiser_id=ADVERTISER,
            file=file.name,
            file_signature=hashlib.md5(text).hexdigest(),
            calculate_type="EMAIL_SHA256",
        )
        return sent["data"]["file_path"]

    def test_what_consign_made_is_listed_and_read(self):
        [list_id] = [one["list"]["list_id"] for one in self.rehearsal.run["deliveries"] if one["kind"] == "tiktok_ads"]
        self.assertEqual(self.listed()[list_id], "By Consign")
        read = self.api.dmp_custom_audience_get(ADVERTISER, [list_id], "token")
        self.assertEqual(read["data"]["list"][0]["audience_details"]["audience_id"], list_id)

    def test_hashes_of_a_file_are_those_that_consign_streams(self):
        hashes = [sha256(person["email"].strip().lower()) for person in people()]
        path = self.upload(hashes)
        body = {"advertiser_id": ADVERTISER, "custom_audience_name": "By file", "file_paths": [path], "calculate_type": "EMAIL_SHA256"}
        made = self.api.dmp_custom_audience_create("token", body=body)
        values = {value for one in self.rehearsal.members("tiktok", made["data"]["custom_audience_id"]) for value in one.values()}
        ours = {one["EMAIL_SHA256"] for one in self.rehearsal.ours("tiktok", "tiktok_ads")}
        self.assertEqual(values, ours)

    def test_a_wrong_token_is_refused(self):
        with self.assertRaises(TiktokSDKError) as refused:
            self.api.dmp_custom_audience_list(ADVERTISER, "wrong")
        self.assertIn("40105", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
