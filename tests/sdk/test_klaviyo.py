"""klaviyo-api, whose models know the fields of every body and of every answer."""

import json
import time
import unittest

from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException
from openapi_client.models.profile_import_job_create_query import ProfileImportJobCreateQuery

from consign import Rehearsal


def without_nulls(value):
    """A body without the fields that a model adds for what is not there."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def profile(email, **attributes):
    return {"type": "profile", "attributes": {"email": email, **attributes}}


class Klaviyo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rehearsal = Rehearsal()
        cls.addClassCleanup(cls.rehearsal.end)
        base = cls.rehearsal.base("klaviyo")
        cls.api = KlaviyoAPI("pk_sdk", max_retries=0, test_host=base)
        cls.wrong = KlaviyoAPI("pk_wrong", max_retries=0, test_host=base)

    def make(self, name):
        return self.api.Lists.create_list({"data": {"type": "list", "attributes": {"name": name}}}).data.id

    def send(self, list_id, profiles):
        """An import job, awaited."""
        job = self.api.Profiles.bulk_import_profiles(
            {
                "data": {
                    "type": "profile-bulk-import-job",
                    "attributes": {"profiles": {"data": profiles}},
                    "relationships": {"lists": {"data": [{"type": "list", "id": list_id}]}},
                }
            }
        ).data
        for _ in range(100):
            job = self.api.Profiles.get_bulk_import_profiles_job(job.id).data
            if job.attributes.status in ("complete", "cancelled"):
                return job
            time.sleep(0.05)
        self.fail(f"the job is {job.attributes.status}")

    def emails(self, list_id):
        page = self.api.Lists.get_profiles_for_list(list_id, page_size=100)
        return {one.attributes.email: one.id for one in page.data}

    def test_a_body_of_consign_is_one_of_the_sdk_with_nothing_left_over(self):
        body = self.rehearsal.bodies["klaviyo"]
        # What the models do not know, they drop.
        self.assertEqual(without_nulls(json.loads(ProfileImportJobCreateQuery.from_dict(body).to_json())), body)

    def test_the_same_profiles_arrive_alike(self):
        list_id = self.make("By the SDK")
        sent = self.rehearsal.bodies["klaviyo"]
        ours = self.rehearsal.ours("klaviyo", "klaviyo")
        self.assertEqual(len(ours), 5)
        job = self.send(list_id, sent["data"]["attributes"]["profiles"]["data"])
        self.assertEqual((job.attributes.completed_count, job.attributes.failed_count), (5, 0))
        by_key = lambda members: sorted(members, key=lambda one: one["external_id"])
        self.assertEqual(by_key(self.rehearsal.members("klaviyo", list_id)), by_key(ours))

    def test_a_list_is_made_found_by_its_name_and_deleted(self):
        name = 'A "quoted" list \\ here'
        list_id = self.make(name)
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        found = self.api.Lists.get_lists(filter=f'equals(name,"{quoted}")', page_size=10)
        self.assertEqual([(one.id, one.attributes.name) for one in found.data], [(list_id, name)])
        self.assertEqual(self.api.Lists.get_list(list_id).data.attributes.name, name)
        self.api.Lists.delete_list(list_id)
        with self.assertRaises(ApiException) as refused:
            self.api.Lists.get_list(list_id)
        self.assertEqual(refused.exception.status, 404)

    def test_members_come_and_go_by_their_ids(self):
        list_id = self.make("Coming and going")
        self.send(list_id, [profile(f"p{number}@example.com") for number in range(3)])
        members = self.emails(list_id)
        self.assertEqual(set(members), {"p0@example.com", "p1@example.com", "p2@example.com"})
        found = self.api.Profiles.get_profiles(filter='any(email,["p0@example.com","nobody@example.com"])', page_size=100)
        self.assertEqual([one.id for one in found.data], [members["p0@example.com"]])
        ids = {"data": [{"type": "profile", "id": members["p0@example.com"]}]}
        self.api.Lists.remove_profiles_from_list(list_id, ids)
        self.assertEqual(set(self.emails(list_id)), {"p1@example.com", "p2@example.com"})
        self.api.Lists.add_profiles_to_list(list_id, ids)
        self.assertEqual(set(self.emails(list_id)), set(members))

    def test_refused_profiles_are_named_with_what_was_sent(self):
        list_id = self.make("Refusals")
        job = self.send(list_id, [profile("good@example.com"), profile("bad@example.com", phone_number="+1206")])
        self.assertEqual((job.attributes.completed_count, job.attributes.failed_count), (1, 1))
        errors = self.api.Profiles.get_errors_for_bulk_import_profiles_job(job.id, page_size=100).data
        self.assertEqual([one.attributes.original_payload["email"] for one in errors], ["bad@example.com"])

    def test_a_wrong_key_is_refused(self):
        with self.assertRaises(ApiException) as refused:
            self.wrong.Lists.get_lists()
        self.assertEqual(refused.exception.status, 401)


if __name__ == "__main__":
    unittest.main()
