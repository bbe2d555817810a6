"""What each error code of AWS means here: whether a failed call is made again, and for how long.

Codes are those that botocore's models declare for the operations in use, botocore's own lists of throttling,
and the codes that EC2 and all query services share (EC2 API reference, "Error codes"; each service's "Common
errors"). A code that is not listed is final, unless its HTTP status says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Meaning(Enum):
    """How long a failure with a code may last."""

    TRANSIENT = "it passes by itself: the call is made again as long as the request lasts"
    SOON = "it passes within minutes, or never"
    DENIED = "IAM denies the call: believed once IAM has had time to spread"
    FINAL = "the request can't be done"


@dataclass(frozen=True)
class Code:
    """The meaning of one code, why it is that, and what a user can do where the failure lasts."""

    meaning: Meaning
    why: str
    advice: str = ""


def _each(codes: str, meaning: Meaning, why: str, advice: str = "") -> dict[str, Code]:
    return dict.fromkeys(codes.split(), Code(meaning, why, advice))


CODES: dict[str, Code] = {
    # --- transient ---
    **_each(
        "Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled "
        "TooManyRequestsException ProvisionedThroughputExceededException RequestLimitExceeded "
        "BandwidthLimitExceeded LimitExceededException SlowDown EC2ThrottledException "
        "APICallRateForCustomerExceeded",
        Meaning.TRANSIENT,
        "the account's rate of calls; it drops again",
        "; too many calls in the account: deploy less at once, or ask AWS for a higher rate of calls",
    ),
    **_each(
        "TransactionInProgressException PriorRequestNotComplete ConcurrentModificationException "
        "ConflictException",
        Meaning.TRANSIENT,
        "another call to the same thing is under way",
    ),
    **_each(
        "RequestTimeout RequestTimeoutException InternalFailure InternalError InternalException "
        "InternalServiceError InternalServerException ServiceUnavailable ServiceUnavailableException "
        "Unavailable",
        Meaning.TRANSIENT,
        "AWS's own trouble",
    ),
    **_each(
        "ExpiredToken ExpiredTokenException InvalidClientTokenId UnrecognizedClientException "
        "IncompleteSignature InvalidSignatureException SignatureDoesNotMatch RequestExpired "
        "RequestTimeTooSkewed RequestInTheFuture",
        Meaning.TRANSIENT,
        "credentials that ended or are too new, or a clock that is off: the next poll has others",
    ),
    **_each(
        "InvalidReplicationGroupState InvalidCacheClusterState InvalidCacheSecurityGroupState "
        "InvalidUserGroupState InvalidGlobalReplicationGroupState",
        Meaning.TRANSIENT,
        "ElastiCache is at work on it, and becomes available again",
    ),
    **_each(
        "CacheSubnetGroupInUse InvalidGroup.InUse DependencyViolation",
        Meaning.TRANSIENT,
        "a cluster being deleted still holds it, or somebody else's rule or interface does",
        "; remove what still uses it, such as a rule of another security group or a network interface",
    ),
    # --- soon or never ---
    **_each(
        "CacheSubnetGroupNotFoundFault ReplicationGroupNotFoundFault CacheClusterNotFound "
        "CacheParameterGroupNotFound UserGroupNotFound ResourceNotFoundException InvalidGroup.NotFound "
        "InvalidGroupId.NotFound InvalidSecurityGroupID.NotFound InvalidVpcID.NotFound "
        "InvalidSubnetID.NotFound InvalidSubnet SnapshotNotFoundFault",
        Meaning.SOON,
        "what was made seconds ago doesn't show everywhere yet",
        "; what it needs wasn't found, deploy again",
    ),
    **_each(
        "InsufficientCacheClusterCapacity",
        Meaning.SOON,
        "capacity comes and goes",
        "; AWS lacks capacity: wait, or choose another node_type or fewer nodes",
    ),
    **_each(
        "ServiceLinkedRoleNotFoundFault",
        Meaning.SOON,
        "ElastiCache makes its role with the account's first cluster",
        "; the account lacks ElastiCache's service-linked role: run aws iam create-service-linked-role "
        "--aws-service-name elasticache.amazonaws.com",
    ),
    **_each(
        "InvalidVPCNetworkStateFault",
        Meaning.SOON,
        "subnets and addresses that are changing, or a VPC without what ElastiCache needs",
    ),
    **_each(
        "secretsmanager:InvalidRequestException",
        Meaning.SOON,
        "a secret of this name is just being deleted or restored; otherwise the request is wrong",
    ),
    # --- denied ---
    **_each(
        "AccessDenied AccessDeniedException UnauthorizedOperation AuthFailure NotAuthorized",
        Meaning.DENIED,
        "a policy denies it; a role or policy made in the same template takes up to minutes to spread",
    ),
    # --- final ---
    **_each(
        "ClusterQuotaForCustomerExceeded NodeQuotaForClusterExceeded NodeQuotaForCustomerExceeded "
        "NodeGroupsPerReplicationGroupQuotaExceeded CacheSubnetGroupQuotaExceeded "
        "CacheSubnetQuotaExceededFault TagQuotaPerResourceExceeded SnapshotQuotaExceededFault "
        "ServiceQuotaExceededException SecurityGroupLimitExceeded RulesPerSecurityGroupLimitExceeded "
        "secretsmanager:LimitExceededException",
        Meaning.FINAL,
        "a quota, which no waiting raises",
    ),
    **_each(
        "InvalidParameterValue InvalidParameterCombination InvalidParameterException ValidationException "
        "ValidationError InvalidARN InvalidContextAssertion MalformedPolicyDocument "
        "MalformedPolicyDocumentException PackedPolicyTooLarge PreconditionNotMetException "
        "InvalidRequestException",
        Meaning.FINAL,
        "the request itself is wrong",
    ),
    **_each(
        "InvalidKMSKeyFault DecryptionFailure EncryptionFailure",
        Meaning.FINAL,
        "the key is disabled, gone, or its policy leaves the role out",
    ),
    **_each(
        "SubnetInUse",
        Meaning.FINAL,
        "a node is in the subnet, and no call moves it",
        "; keep the subnet, for ElastiCache can't move a node",
    ),
    **_each(
        "SubnetNotAllowedFault SnapshotFeatureNotSupportedFault SnapshotAlreadyExistsFault "
        "ReplicationGroupAlreadyExists CacheSubnetGroupAlreadyExists ResourceExistsException TagNotFound "
        "NoOperationFault InvalidGroup.Duplicate InvalidPermission.Duplicate InvalidPermission.NotFound",
        Meaning.FINAL,
        "it stays so; where it says that the call's end is reached already, aws/execute.py takes it for that",
    ),
    **_each(
        "CacheSecurityGroupNotFound GlobalReplicationGroupNotFoundFault ReservedCacheNodeNotFound "
        "ServerlessCacheNotFoundFault ServerlessCacheSnapshotNotFoundFault UserNotFound "
        "InvalidServerlessCacheStateFault InvalidServerlessCacheSnapshotStateFault",
        Meaning.FINAL,
        "declared by ElastiCache for things that are never named here",
    ),
    **_each(
        "OptInRequired RegionDisabledException",
        Meaning.FINAL,
        "the account has not enabled the Region",
    ),
}
"""By wire code; a row `service:code` is for one service where the code means something else there."""

UNKNOWN = Code(Meaning.FINAL, "a code without a row")


def code(service: str, wire_code: str) -> Code:
    """Return what a code of a service means."""
    return CODES.get(f"{service}:{wire_code}") or CODES.get(wire_code) or UNKNOWN
