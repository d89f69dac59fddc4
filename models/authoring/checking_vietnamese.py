"""What `checking` says, in Vietnamese beside the English: of TOML, of fields, of the core's own sentences."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

SYNTAX: Final[Mapping[str, str]] = {
    "Expected '=' after a key in a key/value pair": "thiếu dấu = sau tên của một mục",
    "Invalid value": "giá trị không đọc được (chữ phải nằm trong dấu ngoặc kép)",
    "Invalid statement": "dòng này không phải là một mục `tên = giá trị` hay một đầu mục `[tên]`",
    "Unclosed array": "danh sách chưa có dấu ] đóng lại, hoặc thiếu dấu phẩy giữa hai phần tử",
    "Unclosed inline table": "thiếu dấu } đóng lại, hoặc thiếu dấu phẩy giữa hai mục",
    "Unterminated string": "thiếu dấu ngoặc kép đóng lại",
    "Illegal character '\\n'": "thiếu dấu ngoặc kép đóng lại trước khi xuống dòng",
    "Cannot overwrite a value": "mục này đã có ở trên",
    "Expected newline or end of document after a statement": "thừa chữ sau giá trị; mỗi mục đứng trên một dòng riêng",
    "Expected ']' at the end of a table declaration": "thiếu dấu ] ở cuối đầu mục",
}
"""the TOML reader's words → ours"""
KIND: Final[Mapping[str, tuple[str, str]]] = {
    "string_type": ("phải là chữ trong dấu ngoặc kép", "expected a text in quotes"),
    "int_type": ("phải là số nguyên", "expected a whole number"),
    "int_parsing": ("phải là số nguyên", "expected a whole number"),
    "bool_type": ("phải là true hoặc false", "expected true or false"),
    "tuple_type": ("phải là danh sách [ … ]", "expected a list [ … ]"),
    "dict_type": ("phải là bảng { … } hoặc đầu mục [ … ]", "expected a table"),
    "model_type": ("phải là bảng { … } hoặc đầu mục [ … ]", "expected a table"),
    "model_attributes_type": ("phải là bảng { … } hoặc đầu mục [ … ]", "expected a table"),
    "string_too_short": ("không được để trống", "must not be empty"),
    "too_short": ("phải có ít nhất một phần tử", "needs at least one entry"),
    "missing": ("thiếu mục này", "is missing"),
    "string_pattern_mismatch": (
        "chỉ gồm chữ thường không dấu, chữ số và dấu gạch nối", "expected lower-case letters, digits and hyphens",
    ),
    "decimal_parsing": ("không phải là số", "is not a number"),
    "decimal_type": ("không phải là số", "is not a number"),
    "greater_than_equal": ("nhỏ quá", "is too small"),
    "less_than_equal": ("lớn quá", "is too large"),
}  # fmt: skip
"""pydantic's kind of error → what was expected"""
SENTENCES: Final[Sequence[tuple[re.Pattern[str], str]]] = [
    (re.compile(pattern), vn)
    for pattern, vn in (
        (r"^the row stands twice$", "hàng này có hai lần"),
        (r"^(\d+) targets under (\d+) columns$", "có {0} chỉ tiêu trong khi `columns` có {1} cột"),
        (r"^indicator (\S+) has no formula in \[indicators\]$", "chỉ tiêu {0} chưa có công thức tại [indicators.{0}]"),
        (r"^(.+) is not a number of percent$", "{0} không phải là số phần trăm"),
        (r"^(\S+) percent is not between 0 and 100$", "{0} % không nằm trong khoảng từ 0 đến 100"),
        (r"^every decision has this switch already$", "mọi quyết định đều đã có tùy chọn này, không khai lại"),
        (r"^a period is `from` and `to`, or `yearly_from`$", "kỳ đánh giá gồm `from` và `to`, hoặc chỉ `yearly_from`"),
        (r"^the period ends before it begins$", "ngày cuối kỳ (`to`) trước ngày đầu kỳ (`from`)"),
        (
            r"^a row names either `unit` or a class .*$",
            "mỗi hàng ghi `unit` (một đơn vị) hoặc `units` cùng `of` (một nhóm)",
        ),
        (r"^a class of units needs `of`, .*$", "một nhóm đơn vị (`units`) cần `of`: mã tỉnh"),
        (r"^the registry has no unit for it$", "danh mục đơn vị không có đơn vị nào thuộc hàng này"),
        (r"^it names (\d+) communes, the registry has (\d+)$", "hàng ghi {0} xã, danh mục đơn vị có {1} xã"),
        (r"^it names (\d+) units, the registry has (\d+)$", "hàng ghi {0} đơn vị, danh mục đơn vị có {1} đơn vị"),
        (
            r"^trajectory of (\S+), (\S+): begins on (\S+) only; .*$",
            "lộ trình của {0}, {1}: mốc đầu tiên đến ngày {2} mới có; trước ngày đó đơn vị không thể bị coi là chậm",
        ),
        (
            r"^trajectory of (\S+), (\S+): (\S+) on (\S+) is less than half of an even way to the target, (.+)$",
            "lộ trình của {0}, {1}: mức {2} % ngày {3} thấp hơn một nửa mức tăng đều đến chỉ tiêu ({4} %)",
        ),
        (
            r"^it watches nobody yet, .*$",
            "chưa theo dõi đơn vị nào: danh mục đơn vị chưa có đơn vị thuộc hàng này; khai báo bằng --units",
        ),
        (r"^no registry knows the unit '(.*)'$", 'danh mục đơn vị không có mã "{0}"'),
        (r"^the decision has no indicator (\S+)$", "quyết định không có chỉ tiêu {0}"),
        (r"^\S+ has no switch '(.*)'; it has (.*)$", 'quyết định không có tùy chọn "{0}"; có: {1}'),
        (r"^switch (\S+) is '(.*)', expected one of (.*)$", 'tùy chọn {0} là "{1}"; chọn một trong: {2}'),
        (r"^`days` needs a number for each of (.*)$", "`days` phải có một số ngày cho mỗi lựa chọn: {0}"),
        (r"^`(answers|effects)` names (.*), which is no choice$", "`{0}` nêu {1}, không có trong `choices`"),
        (r"^`latest_month` belongs to a yearly report.*$", "`latest_month` chỉ dùng, và phải có, ở báo cáo năm"),
        (r"^count '(\S+)' has the basis (.*), not '(\S+)'$", 'đếm "{0}" thì `basis` là {1}, không phải "{2}"'),
        (
            r"^(numerator|denominator): count '(\S+)' does not know '(\S+)'; it knows (.*)$",
            '`{0}`: đếm "{1}" thì không hỏi được "{2}"; chỉ gồm: {3}',
        ),
        (
            r"^(numerator|denominator): '(\S+)' and its negation: nothing is both$",
            '`{0}`: "{1}" và phủ định của nó không thể cùng đúng',
        ),
        (
            r"^count 'catalogue' needs a numerator under a name of your own$",
            'đếm "catalogue" với tên riêng thì cần `numerator`',
        ),
        (r"^this name has a rule of its own and takes no filters$", "tên này có quy tắc riêng, không kèm điều kiện"),
        (r"^they stand in the order of their days, one for a day$", "phải xếp theo thứ tự ngày, mỗi ngày một lần"),
        (
            r"^`except` belongs to a class of units .*$",
            "`except` chỉ dùng cho một nhóm đơn vị hoặc các xã của một huyện",
        ),
        (
            r"^its milestones of (\S+) end at (\S+), below the target (\S+)$",
            "các mốc của {0} kết thúc ở {1} %, thấp hơn chỉ tiêu {2} %",
        ),
        (
            r"^a formula asks whether a procedure is listed: .*$",
            "có công thức hỏi danh mục thủ tục: cần mục [catalogue]",
        ),
        (r"^'(\S+)' is no switch whose choice is a date$", '"{0}" không phải là tùy chọn nhận một ngày'),
        (r"^'(\S+)' is no switch with `days`$", '"{0}" không phải là tùy chọn có `days`'),
        (
            r"^trajectory of (\S+): the decision has no indicator (\S+)$",
            "lộ trình của {0}: quyết định không có chỉ tiêu {1}",
        ),
        (
            r"^trajectory of (\S+), (\S+): the decision gives it no target$",
            "lộ trình của {0}, {1}: quyết định không giao chỉ tiêu",
        ),
        (
            r"^trajectory of (\S+), (\S+): ends at (\S+), below the target (\S+)$",
            "lộ trình của {0}, {1}: kết thúc ở {2} %, thấp hơn chỉ tiêu {3} %",
        ),
        (
            r"^a formula that counts dossiers needs the basis .*: (.*)$",
            "đếm hồ sơ thì `basis` là received, resolved hoặc issued: {0}",
        ),
    )
]
"""a sentence of `models.decisions.file` or `models.decisions.reading` → Vietnamese, with the parts that vary"""
