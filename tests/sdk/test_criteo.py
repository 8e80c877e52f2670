"""criteo-api-marketingsolutions-sdk, whose models know the fields of every body and of every answer."""

import unittest

from criteo_api_marketingsolutions_v2026_07 import ApiException
from criteo_api_marketingsolutions_v2026_07.api.audience_api import AudienceApi
from criteo_api_marketingsolutions_v2026_07.api_client_builder import ApiClientBuilder
from criteo_api_marketingsolutions_v2026_07.model_utils import model_to_dict, validate_and_convert_types
from criteo_api_marketingsolutions_v2026_07 import models

from consign import Rehearsal

ADVERTISER = "123456"


def model(name, value):
    """A body by the SDK's model of it, which refuses what it does not know."""
    configuration = ApiClientBuilder.WithNoAuthorization().configuration
    kind = getattr(models, name)
    return validate_and_convert_types(value, (kind,), [name], True, True, configuration)


class Criteo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rehearsal = Rehearsal()
        cls.addClassCleanup(cls.rehearsal.end)
        cls.api = cls.audiences("consign-sdk-123456", "secret")

    @classmethod
    def audiences(cls, client_id, secret):
        client = ApiClientBuilder.WithClientCredentials(client_id, secret, host=cls.rehearsal.base("criteo"))
        return AudienceApi(client)

    def make(self, name):
        body = {
            "data": [
                {
                    "type": "AudienceSegment",
                    "attributes": {"advertiserId": ADVERTISER, "name": name, "description": "By the SDK", "contactList": {}},
                }
            ]
        }
        made = self.api.create_audience_segments(model("AudienceSegmentBulkCreateInputV1", body))
        return made.data[0].id

    def amend(self, segment, operation, identifiers):
        attributes = {"operation": operation, "identifierType": "email", "identifiers": identifiers}
        body = {"data": {"type": "ContactlistAmendment", "attributes": attributes}}
        request = model("ContactlistAmendmentRequest", body)
        return self.api.update_contact_list_by_audience_segment(segment, request).data.attributes

    def emails(self, segment):
        return {value for one in self.rehearsal.members("criteo", segment) for value in one.values()}

    def test_a_body_of_consign_is_one_of_the_sdk_with_nothing_left_over(self):
        body = self.rehearsal.bodies["criteo"]
        self.assertEqual(model_to_dict(model("ContactlistAmendmentRequest", body), serialize=True), body)

    def test_the_same_addresses_arrive_alike(self):
        segment = self.make("By the SDK")
        identifiers = self.rehearsal.bodies["criteo"]["data"]["attributes"]["identifiers"]
        answer = self.amend(segment, "add", identifiers)
        self.assertEqual((answer.nb_valid_identifiers, answer.nb_invalid_identifiers), (5, 0))
        ours = {value for one in self.rehearsal.ours("criteo", "criteo") for value in one.values()}
        self.assertEqual(self.emails(segment), ours)

    def test_a_segment_is_made_found_filled_emptied_and_deleted(self):
        segment = self.make("Way of a list")
        filters = {"data": {"type": "AudienceSegment", "attributes": {"advertiserIds": [ADVERTISER], "audienceSegmentTypes": ["ContactList"]}}}
        request = model("AudienceSegmentSearchInputV1", filters)
        found = self.api.search_audience_segments(audience_segment_search_input_v1=request, limit=100, offset=0)
        self.assertIn((segment, "Way of a list"), {(one.id, one.attributes.name) for one in found.data})
        self.amend(segment, "add", ["a@example.com", "b@example.com"])
        self.amend(segment, "remove", ["a@example.com"])
        self.assertEqual(self.emails(segment), {"b@example.com"})
        counted = self.api.get_audience_segment_contact_list_statistics(segment).data.attributes
        self.assertEqual(counted.number_of_identifiers, 1)
        self.api.delete_contact_list_by_audience_segment(segment)
        self.assertEqual(self.emails(segment), set())
        gone = {"data": [{"id": segment, "type": "AudienceSegment"}]}
        self.api.delete_audience_segments(model("AudienceSegmentBulkDeleteInputV1", gone))
        found = self.api.search_audience_segments(audience_segment_search_input_v1=request, limit=100, offset=0)
        self.assertNotIn(segment, {one.id for one in found.data})

    def test_bad_addresses_are_counted_and_some_are_named(self):
        answer = self.amend(self.make("Refusals"), "add", ["good@example.com", "no address"])
        self.assertEqual((answer.nb_valid_identifiers, answer.nb_invalid_identifiers), (1, 1))
        self.assertEqual(answer.sample_invalid_identifiers, ["no address"])

    def test_a_wrong_secret_gets_no_token(self):
        with self.assertRaises(ApiException):
            self.audiences("consign-sdk-123456", "wrong").delete_contact_list_by_audience_segment("1")


if __name__ == "__main__":
    unittest.main()
