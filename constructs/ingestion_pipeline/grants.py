"""The permissions that a pipeline gives to roles of other stacks and applications."""

from collections.abc import Sequence

from constructs import Construct

from ingestion_pipeline.bindings import IamRole, IamRolePolicy, LambdaFunction
from ingestion_pipeline.resources import policies
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.references import REFERENCE, BucketReference, QueueReference, StreamReference
from ingestion_pipeline.settings.rules import Problem, SettingsError
from ingestion_pipeline.settings.settings import Settings

NOT_FOR_OTHERS = (
    "nobody else may put records on a stream of gzip members, for one line among them makes an object "
    "unreadable; let them put theirs on the stream of another pipeline, or pack lines"
)
NO_URL = "must be true, or the function has no URL that a role could invoke"


class Grants(Construct):
    """Grants permissions to other roles, each with an inline policy of its own."""

    bucket: BucketReference
    stream: StreamReference
    function: LambdaFunction
    work_queue: QueueReference
    _settings: Settings

    def grant_put_records(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role put records of its own on the stream.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``put-records-`` and the role's id or name.

        Raises:
            SettingsError: When the stream holds gzip members, among which lines make an object unreadable.
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        if self._settings.forms.is_gzip is True:
            raise SettingsError([Problem("fetch.packing", GZIP, NOT_FOR_OTHERS)])
        permissions = [*policies.put_records(self.stream.arn), *policies.write_with_key(self.stream)]
        return self._grant("put-records", role, id_, permissions)

    def grant_read(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role list the bucket and read the records in it.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``read-`` and the role's id or name.

        Raises:
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        objects = policies.read_objects(self.bucket.arn, self._settings.delivery.data_folder)
        return self._grant("read", role, id_, [*objects, *policies.decrypt_objects(self.bucket)])

    def grant_send(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role send events to the work queue.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``send-`` and the role's id or name.

        Raises:
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        return self._grant("send", role, id_, policies.send_events(self.work_queue))

    def grant_invoke_url(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role invoke the function by its URL, and in no other way.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``invoke-url-`` and the role's id or name.

        Raises:
            SettingsError: When the function has no URL.
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        if not self._settings.function.url_enabled:
            raise SettingsError([Problem("function.url_enabled", False, NO_URL)])
        return self._grant("invoke-url", role, id_, policies.invoke_url(self.function.arn))

    def _grant(
        self, what: str, role: IamRole | str, id_: str, permissions: Sequence[Statement]
    ) -> IamRolePolicy:
        known, role_id = (role, role) if isinstance(role, str) else (role.node.id, role.id)
        if not id_ and REFERENCE in known:
            raise ValueError(f"role = {known!r}: is only known to Terraform; give an id_ to go with it")
        name, policy = f"{self._settings.names.stack}-{what}", policy_document(permissions)
        return IamRolePolicy(self, id_ or f"{what}-{known}", name=name, role=role_id, policy=policy)
