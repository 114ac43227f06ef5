"""What stands in the columns of a list, and the words by which clerks head them.

How a header is compared with them: `collector.sheets.headers`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collector.domain.site_kinds import SiteKind
from collector.sheets import values

Reader = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Field:
    """What a column is about.

    Attributes:
        name: of the field; a column of the registry, mostly.
        vietnamese: the header in the template.
        english: the same below it.
        note: for the clerk, in Vietnamese.
        example: in the template's row that import passes over.
        read: turns a cell's value into what is stored.
        words: other headers that mean it, folded, divided by commas.
        choices: what a cell can say; none: anything.
        width: of the template's column, in letters.
    """

    name: str
    vietnamese: str
    english: str
    note: str
    example: str
    read: Reader = values.read_text
    words: str = ""
    choices: Sequence[str] = ()
    width: int = 18

    @property
    def is_speed(self) -> bool:
        """Whether its numbers are of Mbit/s, or of what the header says."""
        return self.name.endswith("_bits_per_second")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sheet.

    Attributes:
        name: what its rows are.
        title: of the template's sheet.
        fields: its columns.
        needed: of each group one column at least, or it is no sheet of this kind.
        says: the fields of which a row needs one to be a row; others may be notes and signatures.
    """

    name: str
    title: str
    fields: Sequence[Field]
    needed: Sequence[Sequence[str]]
    says: Sequence[str]

    def field(self, name: str) -> Field:
        """Return one of its fields."""
        return next(field for field in self.fields if field.name == name)


def _speed(kind: str, way: str, vietnamese: str, english: str, example: str) -> Field:
    return Field(
        f"{kind}_{way}_bits_per_second",
        f"{vietnamese} (Mbps)",
        f"{english} (Mbit/s)",
        f"{vietnamese}, tính bằng Mbps. Có thể ghi 300, 300 Mbps, 1 Gbps. Để trống nếu không rõ.",
        example,
        read=values.read_speeds,
    )


TECHNOLOGIES: Final = {
    "fibre": "Cáp quang",
    "cable": "Cáp đồng trục",
    "dsl": "ADSL",
    "4g": "4G",
    "5g": "5G",
    "other": "Khác",
}
"""What the template's list offers for each technology."""

SITE_KINDS: Final[dict[SiteKind, str]] = {
    "community_house": "Nhà văn hóa",
    "office": "Trụ sở",
    "school": "Trường học",
    "health_station": "Trạm y tế",
    "other": "Khác",
}
"""The same for what a site is."""

ROLES: Final = {"signer": "Người ký", "clerk": "Văn thư", "technician": "Kỹ thuật"}

LINES: Final = Kind(
    "lines",
    "Đường truyền",
    (
        Field(
            "line",
            "Mã đường truyền",
            "Line code",
            "Mã riêng của từng đường truyền, chữ không dấu và số (nvh-to-1-vnpt). Có thể để trống: "
            "hệ thống tự đặt theo điểm đo và nhà mạng.",
            "nvh-to-1-vnpt",
            read=values.read_name,
            words="ma duong,ma duong day,ma line,line,line id,ma kenh,ma thue bao noi bo",
            width=22,
        ),
        Field(
            "site",
            "Mã điểm đo",
            "Site code",
            "Mã riêng của điểm đo, chữ không dấu và số. Có thể để trống.",
            "nvh-to-1",
            read=values.read_name,
            words="ma diem,ma dia diem,site id,ma don vi,ma nha van hoa",
        ),
        Field(
            "site_name",
            "Điểm đo",
            "Site",
            "Tên nhà văn hóa, trụ sở. Mỗi điểm có thể có nhiều đường truyền: ghi lại tên, hoặc "
            "gộp ô.",
            "Nhà văn hóa Tổ dân phố số 1",
            words="diem do,ten diem do,ten diem,diem,dia diem,ten dia diem,diem lap dat,"
            "noi lap dat,"
            "dia diem lap dat,don vi,ten don vi,don vi su dung,noi su dung,nha van hoa,"
            "ten nha van hoa,"
            "nvh,to dan pho,tdp,tru so,co quan,co quan don vi,ten co quan,site,site name,location,"
            "place,name of site",
            width=34,
        ),
        Field(
            "site_kind",
            "Loại địa điểm",
            "Kind of site",
            "Nhà văn hóa, trụ sở cơ quan, trường học, trạm y tế, khác. Báo cáo năm đếm Wi-Fi ở nhà "
            "văn hóa và IPv6 ở trụ sở theo cột này.",
            "Nhà văn hóa",
            read=values.read_site_kind,
            words="loai diem do,loai diem,loai co so,loai don vi,phan loai diem do,"
            "phan loai dia diem,site kind,type of site,site type,kind",
            choices=tuple(SITE_KINDS.values()),
        ),
        Field(
            "ward",
            "Phường/Xã",
            "Ward",
            "Tên phường, xã, đặc khu của điểm đo.",
            "Phường Thạch Khôi",
            words="phuong,xa,phuong xa,xa phuong,ten phuong,dia ban,phuong xa dac khu,ward,commune",
            width=22,
        ),
        Field(
            "address",
            "Địa chỉ",
            "Address",
            "Số nhà, đường, tổ dân phố. Không hiển thị công khai.",
            "Số 5 phố Ví Dụ",
            words="dia chi,dia chi lap dat,dia chi diem do,address,site address",
            width=28,
        ),
        Field(
            "latitude",
            "Vĩ độ",
            "Latitude",
            "Độ vĩ bắc, ví dụ 20,9045.",
            "20,9045",
            read=values.read_degrees,
            words="vi do,lat,latitude,vy do",
        ),
        Field(
            "longitude",
            "Kinh độ",
            "Longitude",
            "Độ kinh đông, ví dụ 106,3120.",
            "106,3120",
            read=values.read_degrees,
            words="kinh do,lon,lng,long,longitude",
        ),
        Field(
            "carrier",
            "Nhà mạng",
            "Carrier",
            "VNPT, Viettel, FPT, MobiFone, CMC … Bắt buộc.",
            "VNPT",
            words="nha mang,ten nha mang,nha cung cap,nha cung cap dich vu,don vi cung cap,mang,"
            "don vi cung cap dich vu,doanh nghiep,doanh nghiep cung cap,doanh nghiep vien thong,"
            "nha cung cap internet,nha cung cap dich vu internet,carrier,isp,provider,operator",
        ),
        Field(
            "technology",
            "Công nghệ",
            "Technology",
            "Cáp quang (FTTH), cáp đồng trục, ADSL, 4G, 5G, khác.",
            "Cáp quang",
            read=values.read_technology,
            words="cong nghe,loai duong truyen,loai hinh,loai ket noi,hinh thuc ket noi,loai mang,"
            "loai duong,hinh thuc,phuong thuc ket noi,technology,type,access type,connection type",
            choices=tuple(TECHNOLOGIES.values()),
        ),
        Field(
            "plan",
            "Gói cước",
            "Plan",
            "Tên gói cước đang trả tiền.",
            "Home 300",
            words="goi cuoc,ten goi cuoc,goi,ten goi,goi dich vu,ten goi dich vu,goi cuoc su dung,"
            "goi cuoc dang su dung,dich vu,plan,package,service plan,service",
        ),
        _speed("contracted", "download", "Tải xuống hợp đồng", "Contracted download", "300"),
        _speed("contracted", "upload", "Tải lên hợp đồng", "Contracted upload", "300"),
        _speed("declared", "download", "Tải xuống công bố (Vd)", "Declared download", "300"),
        _speed("declared", "upload", "Tải lên công bố (Vu)", "Declared upload", "300"),
        _speed("minimum", "download", "Tải xuống tối thiểu", "Minimum download", ""),
        _speed("minimum", "upload", "Tải lên tối thiểu", "Minimum upload", ""),
        Field(
            "contract_number",
            "Số hợp đồng",
            "Contract number",
            "Số ghi trên hợp đồng với nhà mạng. Không hiển thị công khai.",
            "HĐ-17/2026",
            words="so hop dong,hop dong,hop dong so,so hd,ma hop dong,ma hd,so ma hop dong,"
            "contract,"
            "contract number,contract no,contract id",
        ),
        Field(
            "contract_since",
            "Ngày hợp đồng",
            "Contract date",
            "Ngày ký hợp đồng: ngày/tháng/năm.",
            "01/03/2026",
            read=values.read_date,
            words="ngay hop dong,ngay ky,ngay ky hop dong,ngay hd,thoi gian ky hop dong,"
            "ngay hoa mang,"
            "ngay lap dat,ngay su dung,su dung tu,su dung tu ngay,contract date,contract since,"
            "signed",
        ),
        Field(
            "payer",
            "Đơn vị trả tiền",
            "Payer",
            "Ai trả cước: UBND phường, tổ dân phố … Không hiển thị công khai.",
            "UBND phường",
            words="don vi tra tien,nguoi tra tien,don vi thanh toan,nguon kinh phi,kinh phi,"
            "chi tra,"
            "don vi chi tra,nguon chi tra,chu thue bao,chu hop dong,ben thue,payer,paid by,"
            "payed by",
            width=22,
        ),
        Field(
            "since",
            "Từ ngày",
            "Valid from",
            "Ngày đầu tiên mà gói cước, tốc độ ở dòng này có hiệu lực. Khi đổi gói cước: ghi gói "
            "mới "
            "và ngày bắt đầu; gói cũ vẫn được giữ cho những ngày trước đó.",
            "01/10/2026",
            read=values.read_date,
            words="tu ngay,ap dung tu,ap dung tu ngay,hieu luc tu,hieu luc tu ngay,co hieu luc tu,"
            "ngay hieu luc,ngay ap dung,ngay thay doi,ngay doi goi,tinh tu ngay,valid from,since,"
            "from,from date,effective from,effective date",
        ),
    ),
    needed=(("carrier", "line"), ("line", "site", "site_name")),
    says=("line", "carrier"),
)

CARRIERS: Final = Kind(
    "carriers",
    "Nhà mạng",
    (
        Field(
            "id",
            "Mã nhà mạng",
            "Carrier code",
            "Mã ngắn, chữ không dấu (vnpt). Có thể để trống.",
            "vnpt",
            read=values.read_name,
            words="ma nha mang,ma,ma doanh nghiep,carrier id,id",
        ),
        Field(
            "name",
            "Nhà mạng",
            "Carrier",
            "Tên thường gọi, như ở trang Đường truyền. Bắt buộc.",
            "VNPT",
            words="nha mang,ten nha mang,ten viet tat,ten thuong goi,ten giao dich,nha cung cap,"
            "doanh nghiep,carrier,isp,provider,name",
        ),
        Field(
            "legal_name",
            "Tên pháp lý",
            "Legal name",
            "Tên đầy đủ để ghi trong công văn.",
            "VNPT Hải Phòng – Tập đoàn Bưu chính Viễn thông Việt Nam",
            words="ten phap ly,ten day du,ten doanh nghiep,ten cong ty,ten don vi,cong ty,"
            "legal name,"
            "full name,company",
            width=44,
        ),
        Field(
            "complaint_email",
            "E-mail nhận kiến nghị",
            "Complaint e-mail",
            "Địa chỉ e-mail nhận công văn kiến nghị.",
            "kiennghi@nha-mang.example",
            read=values.read_email,
            words="email,e mail,thu dien tu,hop thu,dia chi email,dia chi thu dien tu,"
            "email khieu nai,"
            "email nhan kien nghi,email tiep nhan,complaint email,complaints",
            width=30,
        ),
        Field(
            "postal_address",
            "Địa chỉ",
            "Postal address",
            "Địa chỉ gửi công văn giấy.",
            "Số 1 phố Ví Dụ, Hải Phòng",
            words="dia chi,dia chi buu dien,dia chi tru so,dia chi nhan cong van,tru so,address,"
            "postal address",
            width=34,
        ),
        Field(
            "telephone",
            "Điện thoại",
            "Telephone",
            "Số điện thoại đầu mối. Không hiển thị công khai.",
            "0225 000 0000",
            words="dien thoai,so dien thoai,dt,sdt,hotline,duong day nong,tong dai,phone,"
            "telephone,tel",
        ),
    ),
    needed=(("name",), ("legal_name", "complaint_email", "postal_address", "telephone")),
    says=("name",),
)

WARDS: Final = Kind(
    "wards",
    "Phường",
    (
        Field(
            "id",
            "Mã phường",
            "Ward code",
            "Mã ngắn, chữ không dấu (thach-khoi). Có thể để trống.",
            "thach-khoi",
            read=values.read_name,
            words="ma phuong,ma xa,ma,ma phuong xa,ward id,id",
        ),
        Field(
            "name",
            "Phường/Xã",
            "Ward",
            "Tên như ở trang Đường truyền. Bắt buộc.",
            "Phường Thạch Khôi",
            words="phuong,xa,phuong xa,xa phuong,ten phuong,ten phuong xa,dia ban,ward,name",
            width=24,
        ),
        Field(
            "superior",
            "Cơ quan chủ quản",
            "Superior authority",
            "Dòng trên cùng bên trái của công văn. Để trống nếu không có.",
            "",
            words="co quan chu quan,chu quan,co quan cap tren,superior",
            width=34,
        ),
        Field(
            "authority",
            "Cơ quan ban hành",
            "Issuing authority",
            "Tên cơ quan trên công văn.",
            "ỦY BAN NHÂN DÂN PHƯỜNG THẠCH KHÔI",
            words="co quan ban hanh,co quan,ten co quan,don vi ban hanh,authority,issued by",
            width=40,
        ),
        Field(
            "place",
            "Địa danh",
            "Place",
            "Địa danh trước ngày tháng của công văn.",
            "Thạch Khôi",
            words="dia danh,noi ban hanh,place",
        ),
        Field(
            "letter_code",
            "Ký hiệu công văn",
            "Letter code",
            "Phần sau số công văn: Số: …/UBND-VHXH.",
            "UBND-VHXH",
            words="ky hieu,ky hieu cong van,so ky hieu,letter code,code",
        ),
    ),
    needed=(("name",), ("authority", "place", "letter_code")),
    says=("name",),
)

PERSONS: Final = Kind(
    "persons",
    "Người phụ trách",
    (
        Field(
            "id",
            "Mã người",
            "Person code",
            "Mã ngắn, chữ không dấu. Có thể để trống.",
            "nguyen-van-a",
            read=values.read_name,
            words="ma nguoi,ma,ma can bo,person id,id",
        ),
        Field(
            "ward",
            "Phường/Xã",
            "Ward",
            "Tên như ở trang Phường. Bắt buộc.",
            "Phường Thạch Khôi",
            words="phuong,xa,phuong xa,xa phuong,ten phuong,dia ban,ward",
            width=24,
        ),
        Field(
            "role",
            "Vai trò",
            "Role",
            "Người ký, văn thư, kỹ thuật. Bắt buộc.",
            "Người ký",
            read=values.read_role,
            words="vai tro,nhiem vu,role",
            choices=tuple(ROLES.values()),
        ),
        Field(
            "name",
            "Họ và tên",
            "Name",
            "Như dưới chữ ký. Bắt buộc. Chỉ dùng trong công văn.",
            "Nguyễn Văn A",
            words="ho va ten,ho ten,ten,ten can bo,nguoi phu trach,name,full name",
            width=26,
        ),
        Field(
            "title",
            "Chức vụ",
            "Title",
            "Chức vụ trong khối chữ ký.",
            "PHÓ CHỦ TỊCH",
            words="chuc vu,chuc danh,title,position",
            width=24,
        ),
        Field(
            "signs_for",
            "Thẩm quyền ký",
            "Signs for",
            "Các dòng trên chức vụ, cách nhau bằng dấu chấm phẩy.",
            "TM. ỦY BAN NHÂN DÂN; KT. CHỦ TỊCH",
            words="tham quyen ky,hinh thuc ky,ky thay,quyen han,signs for,authority",
            width=38,
        ),
        Field(
            "telephone",
            "Điện thoại",
            "Telephone",
            "Chỉ người vận hành xem được.",
            "",
            words="dien thoai,so dien thoai,dt,sdt,di dong,phone,telephone,tel",
        ),
        Field(
            "email",
            "E-mail",
            "E-mail",
            "Nơi nhận nhắc việc.",
            "",
            read=values.read_email,
            words="email,e mail,thu dien tu,hop thu,dia chi email",
            width=28,
        ),
    ),
    needed=(("name",), ("ward",), ("role",)),
    says=("name",),
)

KINDS: Final = (LINES, CARRIERS, WARDS, PERSONS)

EXAMPLE: Final = "VÍ DỤ"
"""What the first column of the template's example says; such a row is passed over."""

NUMBER: Final = "STT"
"""The header of the first column, which nobody reads."""
