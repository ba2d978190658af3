"""users ← b_user. Passwords, check words and other credentials are never selected."""

from bitrix_pipeline.model.columns import bitrix_id, first_text, flag, instant, text, text_is
from bitrix_pipeline.model.table import Table

USERS = Table(
    name="users",
    description="Everyone who has an account in the shop: customers, staff and the shared "
    "anonymous buyer, who is no customer.",
    key="b_user.ID",
    columns=(
        bitrix_id("bitrix_user_id", "b_user.ID"),
        text("login", "b_user.LOGIN", "Unique only together with external_auth_id.", personal=True),
        text("email", "b_user.EMAIL", "Not unique.", personal=True),
        text("first_name", "b_user.NAME", "Given name.", personal=True),
        text("last_name", "b_user.LAST_NAME", "Family name.", personal=True),
        text("middle_name", "b_user.SECOND_NAME", "Patronymic.", personal=True),
        first_text(
            "phone",
            ("b_user.PERSONAL_MOBILE", "b_user.PERSONAL_PHONE"),
            "The mobile number, or else the other one, as typed.",
        ),
        flag("is_active", "b_user.ACTIVE", "May log in."),
        flag("is_blocked", "b_user.BLOCKED", "Locked out by the shop."),
        text("external_auth_id", "b_user.EXTERNAL_AUTH_ID", "Who vouches for technical users."),
        text_is(
            "is_anonymous",
            "b_user.EXTERNAL_AUTH_ID",
            "saleanonymous",
            "The account that guests share; never treat it as a customer.",
        ),
        text("site_id", "b_user.LID", "The site of the registration."),
        text("xml_id", "b_user.XML_ID", "The ID in 1C or another outside system."),
        instant("registered_at", "b_user.DATE_REGISTER", "When the account was made."),
        instant(
            "updated_at",
            "b_user.TIMESTAMP_X",
            "When Bitrix last noted a change; NULL for a user who was never edited.",
        ),
    ),
)
