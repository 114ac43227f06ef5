"""The sheet of lines, each with its site, its carrier and its terms."""

from typing import Final

from collector.domain.site_kinds import SiteKind
from collector.sheets import values
from collector.sheets.fields.kind import Field, Kind

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


def _speed(kind: str, way: str, vietnamese: str, english: str, example: str) -> Field:
    return Field(
        f"{kind}_{way}_bits_per_second",
        f"{vietnamese} (Mbps)",
        f"{english} (Mbit/s)",
        f"{vietnamese}, tính bằng Mbps. Có thể ghi 300, 300 Mbps, 1 Gbps. Để trống nếu không rõ.",
        example,
        read=values.read_speeds,
    )


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
            "Tên nhà văn hóa, trụ sở. Mỗi điểm có thể có nhiều đường truyền: ghi lại tên, hoặc gộp "
            "ô.",
            "Nhà văn hóa Tổ dân phố số 1",
            words="diem do,ten diem do,ten diem,diem,dia diem,ten dia diem,diem lap dat,"
            "noi lap dat,dia diem lap dat,don vi,ten don vi,don vi su dung,noi su dung,nha van hoa,"
            "ten nha van hoa,nvh,to dan pho,tdp,tru so,co quan,co quan don vi,ten co quan,site,"
            "site name,location,place,name of site",
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
            read=values.read_latitude,
            words="vi do,lat,latitude,vy do",
        ),
        Field(
            "longitude",
            "Kinh độ",
            "Longitude",
            "Độ kinh đông, ví dụ 106,3120.",
            "106,3120",
            read=values.read_longitude,
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
            "contract,contract number,contract no,contract id",
        ),
        Field(
            "contract_since",
            "Ngày hợp đồng",
            "Contract date",
            "Ngày ký hợp đồng: ngày/tháng/năm.",
            "01/03/2026",
            read=values.read_date,
            words="ngay hop dong,ngay ky,ngay ky hop dong,ngay hd,thoi gian ky hop dong,"
            "ngay hoa mang,ngay lap dat,ngay su dung,su dung tu,su dung tu ngay,contract date,"
            "contract since,signed",
        ),
        Field(
            "payer",
            "Đơn vị trả tiền",
            "Payer",
            "Ai trả cước: UBND phường, tổ dân phố … Không hiển thị công khai.",
            "UBND phường",
            words="don vi tra tien,nguoi tra tien,don vi thanh toan,nguon kinh phi,kinh phi,"
            "chi tra,don vi chi tra,nguon chi tra,chu thue bao,chu hop dong,ben thue,payer,paid by,"
            "payed by",
            width=22,
        ),
        Field(
            "since",
            "Từ ngày",
            "Valid from",
            "Ngày đầu tiên mà gói cước, tốc độ ở dòng này có hiệu lực. Khi đổi gói cước: ghi gói "
            "mới và ngày bắt đầu; gói cũ vẫn được giữ cho những ngày trước đó.",
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
